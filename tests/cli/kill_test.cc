// kill -9 during append, sign, forget and restore: what was signed stays consistent, and a forget
// is either done or redone at the next start.
#include "replay/verify.h"
#include "store/backup.h"
#include "store/forget.h"
#include "store/open_store.h"
#include "tests/support/process.h"
#include "tests/support/stores.h"

#include <catch2/catch.hpp>

#include <fstream>
#include <iterator>
#include <vector>

using namespace rollcall;
using test::Scratch;

namespace {

/// The store opens for writing (which checks it against its last signed checkpoint) and verifies.
void check_sound(const store::Layout& layout) {
  {
    const auto writer = store::open_store(layout);
    INFO((writer ? "" : writer.error().detail));
    REQUIRE(writer);
  }
  replay::VerifyOptions options;
  options.full = true;
  options.replay = true;
  const auto report = replay::verify_store(layout, options);
  INFO((report.findings.empty() ? "" : report.findings.front().text));
  REQUIRE(report.verdict() == replay::Verdict::Verified);
}

/// Names by the index are those of the vault read whole, wherever the writer was killed.
void check_names(const store::Layout& layout) {
  const auto whole = store::Vault::open(layout.vault(), layout.app).value();
  const auto indexed = store::Vault::open_to_read(layout.vault(), layout.app).value();
  REQUIRE(indexed->users() == whole.users());
  for (store::UserNumber n = 1; n < whole.users() + 2; ++n) {
    const auto name = whole.name_of(n);
    INFO("user #" << n);
    if (name) REQUIRE(indexed->number_of(*name) == std::optional<store::UserNumber>(n));
    REQUIRE(indexed->name_of(n) == name);
    REQUIRE(indexed->erased(n) == whole.erased(n));
  }
}

/// How long the command takes undisturbed, so that kills fall all over it.
long span_of(const std::filesystem::path& directory, const std::vector<std::string>& args) {
  const auto start = std::chrono::steady_clock::now();
  REQUIRE(test::run_rollcall(directory, args).code == 0);
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() -
                                                               start)
      .count();
}

std::string events(int first, int n) {
  std::string out;
  for (int i = first; i < first + n; ++i) {
    const int minute = i / 60 % 60, hour = i / 3600 % 24, second = i % 60;
    char at[64];
    std::snprintf(at, sizeof at, "2026-01-14T%02d:%02d:%02dZ", hour, minute, second);
    out += std::string("{\"at\":\"") + at + "\",\"type\":\"activity\",\"user\":\"u" +
           std::to_string(i % 50) + "\",\"action\":\"message.posted\",\"description\":\"text " +
           std::to_string(i) + "\"}\n";
  }
  return out;
}

}  // namespace

TEST_CASE("kill -9 while appending", "[cli][crash]") {
  const std::uint64_t seed = test::test_seed();
  INFO("reproduce with ROLLCALL_SEED=" << seed);
  std::mt19937_64 rng{seed};
  const Scratch scratch;
  std::ofstream(scratch.path() / "first.ndjson") << events(0, 2000);
  std::ofstream(scratch.path() / "more.ndjson") << events(2000, 40'000);
  REQUIRE(test::run_rollcall(scratch.path(), {"import", "first.ndjson", "-d", "base"}).code == 0);
  test::copy_tree(scratch.path() / "base", scratch.path() / "timed");
  const long span = span_of(scratch.path(), {"import", "more.ndjson", "-d", "timed"});
  int killed = 0;
  for (int round = 0; round < test::kills(5); ++round) {
    test::copy_tree(scratch.path() / "base", scratch.path() / "data");
    test::Process process(scratch.path(), {"import", "more.ndjson", "-d", "data"});
    killed +=
        process.kill_after(static_cast<long>(test::below(rng, static_cast<std::uint64_t>(span))))
            ? 1
            : 0;
    check_names(test::layout_in(scratch.path() / "data"));
    check_sound(test::layout_in(scratch.path() / "data"));
    check_names(test::layout_in(scratch.path() / "data"));
  }
  CHECK(killed > 0);
}

TEST_CASE("kill -9 while enrolling: the index leads to whoever is in the vault", "[cli][crash]") {
  const std::uint64_t seed = test::test_seed();
  INFO("reproduce with ROLLCALL_SEED=" << seed);
  std::mt19937_64 rng{seed};
  const Scratch scratch;
  std::string lines;
  for (int i = 0; i < 9000; ++i) {  // more than an index's tail holds
    char at[64];
    std::snprintf(at, sizeof at, "2026-01-14T%02d:%02d:%02dZ", i / 3600, i / 60 % 60, i % 60);
    lines += std::string("{\"at\":\"") + at + "\",\"type\":\"login\",\"user\":\"p" +
             std::to_string(i) + "\"}\n";
  }
  std::ofstream(scratch.path() / "people.ndjson") << lines;
  const long span = span_of(scratch.path(), {"import", "people.ndjson", "-d", "timed"});
  int killed = 0;
  for (int round = 0; round < test::kills(5); ++round) {
    std::filesystem::remove_all(scratch.path() / "data");
    {
      test::Process process(scratch.path(), {"import", "people.ndjson", "-d", "data"});
      killed +=
          process.kill_after(static_cast<long>(test::below(rng, static_cast<std::uint64_t>(span))))
              ? 1
              : 0;
    }
    const auto layout = test::layout_in(scratch.path() / "data");
    if (!std::filesystem::exists(layout.checkpoint())) continue;  // hardly begun
    check_names(layout);
    check_sound(layout);
    check_names(layout);
  }
  CHECK(killed > 0);
}

TEST_CASE("kill -9 while signing", "[cli][crash]") {
  const std::uint64_t seed = test::test_seed();
  INFO("reproduce with ROLLCALL_SEED=" << seed);
  std::mt19937_64 rng{seed};
  const Scratch scratch;
  const auto base = test::make_store(scratch.path() / "base", 500, 71);
  {
    const auto writer = store::open_store(base).value();
    store::Proposal alive;
    alive.kind = engine::Kind::AliveMark;
    writer->write(alive, writer->state().at).value();
  }
  test::copy_tree(scratch.path() / "base", scratch.path() / "timed");
  const long span =
      span_of(scratch.path(), {"checkpoint", "sign", "--accept-clock", "-d", "timed"});
  int killed = 0;
  for (int round = 0; round < test::kills(5); ++round) {
    test::copy_tree(scratch.path() / "base", scratch.path() / "data");
    test::Process process(scratch.path(), {"checkpoint", "sign", "--accept-clock", "-d", "data"});
    killed +=
        process.kill_after(static_cast<long>(test::below(rng, static_cast<std::uint64_t>(span))))
            ? 1
            : 0;
    check_sound(test::layout_in(scratch.path() / "data"));
    // Signing goes on from there, and never signs two roots for one size.
    REQUIRE(
        test::run_rollcall(scratch.path(), {"checkpoint", "sign", "--accept-clock", "-d", "data"})
            .code == 0);
    check_sound(test::layout_in(scratch.path() / "data"));
  }
  CHECK(killed > 0);
}

TEST_CASE("kill -9 while forgetting: done, or redone at the next start, or never begun",
          "[cli][crash]") {
  const std::uint64_t seed = test::test_seed();
  INFO("reproduce with ROLLCALL_SEED=" << seed);
  std::mt19937_64 rng{seed};
  const Scratch scratch;
  const auto base = test::make_store(scratch.path() / "base", 1500, 72);
  const auto number = *store::Vault::open(base.vault(), base.app).value().number_of("user-7");
  const std::vector<std::string> forget{"forget", "user-7",   "--accept-clock", "--with-mentions",
                                        "--yes",  "--reason", "test",           "-d"};
  auto with = [&](const std::string& data) {
    auto args = forget;
    args.push_back(data);
    return args;
  };
  test::copy_tree(scratch.path() / "base", scratch.path() / "timed");
  const long span = span_of(scratch.path(), with("timed"));
  int killed = 0;
  for (int round = 0; round < test::kills(5); ++round) {
    test::copy_tree(scratch.path() / "base", scratch.path() / "data");
    const auto layout = test::layout_in(scratch.path() / "data");
    {
      test::Process process(scratch.path(), with("data"));
      killed +=
          process.kill_after(static_cast<long>(test::below(rng, static_cast<std::uint64_t>(span))))
              ? 1
              : 0;
    }
    check_names(layout);
    check_sound(layout);
    check_names(layout);
    const auto writer = store::open_store(layout).value();
    bool asked = false;
    writer->log()
        .scan(1, writer->log().last(),
              [&](const engine::Header& h, store::ByteView) {
                asked |= h.kind == engine::Kind::EraseRequested;
                return true;
              })
        .value();
    CHECK(writer->state().users[number].erased == asked);
    CHECK(writer->vault().user_key(number).has_value() == !asked);
    CHECK(writer->vault().erased(number) == asked);
  }
  CHECK(killed > 0);
}

TEST_CASE("kill -9 while restoring: the store is there whole, or not at all", "[cli][crash]") {
  const std::uint64_t seed = test::test_seed();
  INFO("reproduce with ROLLCALL_SEED=" << seed);
  std::mt19937_64 rng{seed};
  const Scratch scratch;
  const auto base = test::make_store(scratch.path() / "base", 1500, 73);
  store::create_backup(base, {scratch.path() / "backups", "b", "t", scratch.path() / "vaults"})
      .value();
  const auto restore = [&](const std::string& data) {
    return std::vector<std::string>{"backup",
                                    "restore",
                                    "backups/b",
                                    "--vault",
                                    "vaults/b",
                                    "--master-key",
                                    (base.vault() / "master.key").string(),
                                    "--yes",
                                    "-d",
                                    data};
  };
  const long span = span_of(scratch.path(), restore("timed"));
  int killed = 0;
  for (int round = 0; round < test::kills(5); ++round) {
    std::filesystem::remove_all(scratch.path() / "data");
    {
      test::Process process(scratch.path(), restore("data"));
      killed +=
          process.kill_after(static_cast<long>(test::below(rng, static_cast<std::uint64_t>(span))))
              ? 1
              : 0;
    }
    const auto layout = test::layout_in(scratch.path() / "data");
    if (!store::exists(layout))
      REQUIRE(test::run_rollcall(scratch.path(), restore("data")).code == 0);
    const auto writer = store::open_store(layout);
    INFO((writer ? "" : writer.error().detail));
    REQUIRE(writer);
    CHECK((*writer)->log().origin() != "rollcall.test/log");
    (*writer)->sign((*writer)->state().at).value();
  }
  CHECK(killed > 0);
}
