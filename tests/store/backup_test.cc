// Backups: while a writer writes, restored under a new name, never signing a fork.
#include "store/backup.h"

#include "replay/verify.h"
#include "store/erasures.h"
#include "store/forget.h"
#include "store/open_store.h"
#include "tests/support/stores.h"

#include <catch2/catch.hpp>

#include <atomic>
#include <future>
#include <thread>

using namespace rollcall;
using namespace rollcall::store;
using test::Scratch;

TEST_CASE("a backup is made beside a live writer and verifies", "[store]") {
  const Scratch scratch;
  const auto layout = test::make_store(scratch.path() / "data", 700, 21);
  BackupInfo info;
  {
    const auto writer = open_store(layout).value();
    test::fill(*writer, 100, 22, writer->state().at);
    info = create_backup(layout, {scratch.path() / "backups", "live", "2026-01-01T00:00:00Z",
                                  scratch.path() / "vaults"})
               .value();
    CHECK(info.size == writer->log().last());
    CHECK(info.root == writer->log().root());
    test::fill(*writer, 100, 23, writer->state().at);
  }
  replay::VerifyOptions options;
  options.full = true;
  options.bodies = false;
  const auto report = replay::verify_store(layout_of(info), options);
  CHECK(report.verdict() == replay::Verdict::Verified);
  CHECK(report.size == info.size);
  CHECK(list_backups(scratch.path() / "backups").value().size() == 1);
  CHECK_FALSE(std::filesystem::exists(info.path / "vault"));
  CHECK_FALSE(std::filesystem::exists(info.path / "keys" / "signing.key"));
}

TEST_CASE("a restored log goes on under a new origin, and its first event names the old one",
          "[store]") {
  const Scratch scratch;
  const auto layout = test::make_store(scratch.path() / "data", 300, 24);
  const auto info =
      create_backup(layout, {scratch.path() / "backups", "b", "t", scratch.path() / "vaults"})
          .value();
  const auto restored = test::layout_in(scratch.path() / "restored");
  restore_backup(restored,
                 {info.path, scratch.path() / "vaults" / "b", layout.vault() / "master.key", {}})
      .value();
  CHECK(
      restore_backup(restored, {info.path, scratch.path() / "vaults" / "b", {}, {}}).error().code ==
      Errc::Refused);
  const auto writer = open_store(restored).value();
  CHECK(writer->log().origin() != info.origin);
  const auto first = writer->log().header(info.size + 1).value();
  REQUIRE(first);
  CHECK(first->kind == engine::Kind::LogContinued);
  CHECK(first->a == info.size);
  BodyOpener opener(writer->vault(), restored.app);
  const auto told = opener.open(*first, writer->log().body(first->seq).value());
  CHECK(told.body.detail.find(info.origin) != std::string::npos);
  CHECK(told.body.detail.find(base64(info.root)) != std::string::npos);
  const auto signed_now = writer->sign(writer->state().at).value();
  CHECK(signed_now.checkpoint.origin == writer->log().origin());
  CHECK(signed_now.note.signatures[0].name != info.origin);
}

TEST_CASE("pruning keeps the newest", "[store]") {
  const Scratch scratch;
  const auto layout = test::make_store(scratch.path() / "data", 30, 25);
  for (const char* name : {"a", "b", "c"})
    create_backup(layout, {scratch.path() / "backups", name, name, {}}).value();
  CHECK(prune_backups(scratch.path() / "backups", 2, true).value() ==
        std::vector<std::string>{"a"});
  CHECK(list_backups(scratch.path() / "backups").value().size() == 3);
  CHECK(prune_backups(scratch.path() / "backups", 1, false).value() ==
        std::vector<std::string>{"a", "b"});
  CHECK(list_backups(scratch.path() / "backups").value().front().name == "c");
}

TEST_CASE("backups beside a writer that appends, signs and forgets are whole, each and restored",
          "[store]") {
  const Scratch scratch;
  const auto layout = test::make_store(scratch.path() / "data", 300, 26);
  std::atomic<bool> stop{false};
  std::promise<void> opened;  // a backup of a store that nobody writes locks writers out meanwhile
  std::thread writing([&] {
    const auto writer = open_store(layout).value();
    opened.set_value();
    for (UserNumber user = 1; !stop; ++user) {
      test::fill(*writer, 15, user, writer->state().at);  // and signs
      if (user % 4 == 0 && user / 4 <= 12)
        forget(*writer, plan_forget(*writer, user / 4), {"r", "", false}, writer->state().at)
            .value();
    }
  });
  opened.get_future().wait();
  const int n = test::rounds(8);
  for (int i = 0; i < n; ++i) {
    const std::string name = "b" + std::to_string(i);
    const auto info =
        create_backup(layout, {scratch.path() / "backups", name, name, scratch.path() / "vaults"})
            .value();
    replay::VerifyOptions options;
    options.full = true;
    options.bodies = false;
    const auto copy = replay::verify_store(layout_of(info), options);
    INFO(name << ": " << (copy.findings.empty() ? "" : copy.findings.front().text));
    REQUIRE(copy.verdict() == replay::Verdict::Verified);
    CHECK(copy.size == info.size);
    const auto restored = test::layout_in(scratch.path() / ("restored" + std::to_string(i)));
    restore_backup(restored,
                   {info.path, scratch.path() / "vaults" / name, layout.vault() / "master.key", {}})
        .value();
    options.bodies = options.replay = true;
    const auto report = replay::verify_store(restored, options);
    INFO(name << " restored: " << (report.findings.empty() ? "" : report.findings.front().text));
    CHECK(report.verdict() == replay::Verdict::Verified);
    CHECK(open_store(restored).value()->log().last() >= info.size);
  }
  stop = true;
  writing.join();
  // Nobody who was forgotten while a copy was made is left in one.
  const auto erased = read_erasures(layout.erasures()).value();
  for (int i = 0; i < n; ++i) {
    const auto copy = scratch.path() / "read";
    std::filesystem::create_directories(copy);
    std::filesystem::copy_file(scratch.path() / "vaults" / ("b" + std::to_string(i)),
                               copy / "records", std::filesystem::copy_options::overwrite_existing);
    std::filesystem::copy_file(layout.vault() / "master.key", copy / "master.key",
                               std::filesystem::copy_options::overwrite_existing);
    const auto vault = Vault::open(copy, layout.app).value();
    for (const UserNumber user : erased) CHECK_FALSE(vault.user_key(user));
  }
  CHECK(read_erasures(scratch.path() / "backups" / "erasures").value() == erased);
}

TEST_CASE("the newest checkpoint is found without reading those before it", "[store]") {
  const Scratch scratch;
  const auto layout = test::make_store(scratch.path() / "data", 100, 27);
  const auto writer = open_store(layout).value();
  test::fill(*writer, 50, 28, writer->state().at);
  const auto newest = checkpoint_history(writer->log()).value().back().checkpoint;
  const auto first = writer->log().scan_meta("checkpoint/").value().front();
  writer->log().put_meta(first.first, "nobody looks here").value();
  CHECK(newest_checkpoint(writer->log(), layout).value().newest->checkpoint == newest);
  // Whoever verifies all still sees it.
  CHECK_FALSE(checkpoint_history(writer->log()));
}
