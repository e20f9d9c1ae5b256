// A disk that is really full: each command says so in one sentence and ends with 1, nothing
// half-written stays, and once there is room everything goes on from what was acknowledged.
#include "replay/verify.h"
#include "store/open_store.h"
#include "store/writer.h"
#include "tests/support/failing_disk.h"
#include "tests/support/process.h"
#include "tests/support/stores.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <fstream>

using namespace rollcall;
using test::run_rollcall;
using test::Scratch;
using test::SmallDisk;

namespace {

constexpr std::uint64_t kDisk = 16U << 20;

/// True where the test cannot run here, having said so.
bool left_out(const SmallDisk& disk) {
  if (disk.mounted()) return false;
  WARN("no file system may be mounted here: the tests with a full disk are left out");
  return true;
}

std::string activities(int from, int n) {
  std::string out;
  std::mt19937_64 rng{static_cast<std::uint64_t>(from)};
  for (int i = from; i < from + n; ++i) {
    char at[32];
    std::snprintf(at, sizeof at, "2026-01-14T%02d:%02d:%02dZ", i / 3600, i / 60 % 60, i % 60);
    std::string text;
    for (int k = 0; k < 12; ++k) text += std::to_string(rng());
    out += std::string("{\"at\":\"") + at + "\",\"type\":\"activity\",\"user\":\"u" +
           std::to_string(i % 50) + "\",\"action\":\"message.posted\",\"description\":\"" + text +
           "\"}\n";
  }
  return out;
}

void check_sentence(const test::Finished& ended) {
  INFO("exit " << ended.code << ": " << ended.err);
  CHECK(ended.code == 1);
  // Before the sentence there may be what was going to be done.
  const std::string last = ended.err.substr(
      ended.err.rfind("rollcall: ") == std::string::npos ? 0 : ended.err.rfind("rollcall: "));
  CHECK(last.starts_with("rollcall: "));
  CHECK(std::count(last.begin(), last.end(), '\n') == 1);
  CHECK(last.find("No space left on device") != std::string::npos);
}

void check_verified(const store::Layout& layout) {
  replay::VerifyOptions options;
  options.full = true;
  options.replay = true;
  const auto report = replay::verify_store(layout, options);
  INFO((report.findings.empty() ? "" : report.findings.front().text));
  CHECK(report.verdict() == replay::Verdict::Verified);
}

/// Files that are made aside and were to be renamed.
std::vector<std::string> halves(const std::filesystem::path& directory) {
  std::vector<std::string> out;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    const std::string name = entry.path().filename().string();
    if (name.ends_with(".new") || name.starts_with(".making-") || name.ends_with(".restoring") ||
        name == "LOG" || name.starts_with("LOG.old."))
      out.push_back(entry.path().string());
  }
  return out;
}

}  // namespace

TEST_CASE(
    "on a full disk every command that writes ends with a sentence, and works once there is "
    "room",
    "[cli][disk]") {
  const Scratch scratch;
  SmallDisk disk(scratch.path() / "disk", kDisk);
  if (left_out(disk)) return;
  const std::string data = (disk.path() / "data").string();
  const auto layout = test::layout_in(disk.path() / "data");
  std::ofstream(scratch.path() / "first.ndjson") << activities(0, 2000);
  std::ofstream(scratch.path() / "more.ndjson") << activities(2000, 2000);
  REQUIRE(run_rollcall(scratch.path(), {"import", "first.ndjson", "-d", data}).code == 0);
  const auto before = store::Log::open(layout, store::Log::Mode::Read).value()->last();
  disk.fill();
  const std::string backups = (disk.path() / "backups").string();
  const std::vector<std::vector<std::string>> commands{
      {"login", "ben"},
      {"import", "more.ndjson"},
      {"checkpoint", "sign"},
      {"snapshot", "create"},
      {"backup", "create", backups},
      {"forget", "u3", "--yes", "--reason", "asked"},
      {"token", "create", "t", "--scope", "events:write"},
      {"retention", "set", "activity", "1d"},
      {"key", "rotate"},
      {"serve", "--listen", "127.0.0.1:0"},
  };
  for (auto command : commands) {
    INFO(command[0] << ' ' << command[1]);
    command.insert(command.end(), {"-d", data});
    check_sentence(run_rollcall(scratch.path(), command));
  }
  {
    INFO("a first start");
    check_sentence(
        run_rollcall(scratch.path(), {"login", "ben", "-d", (disk.path() / "first").string()}));
  }
  CHECK(halves(disk.path()) == std::vector<std::string>{});
  disk.make_room();
  CHECK(store::Log::open(layout, store::Log::Mode::Read).value()->last() == before);
  for (auto command : commands) {
    if (command[0] == "serve") continue;
    command.insert(command.end(), {"-d", data});
    if (command[0] == "import") continue;  // its events lie before the login above
    const auto ended = run_rollcall(scratch.path(), command);
    INFO(command[0] << ' ' << command[1] << ": " << ended.err);
    CHECK(ended.code == 0);
  }
  CHECK(
      run_rollcall(scratch.path(), {"login", "ben", "-d", (disk.path() / "first").string()}).code ==
      0);
  check_verified(layout);
}

TEST_CASE(
    "a disk that fills up at any byte of a first start, a login or an erasure ends it with a "
    "sentence, and the same again works",
    "[cli][disk]") {
  const Scratch scratch;
  SmallDisk disk(scratch.path() / "disk", kDisk);
  if (left_out(disk)) return;
  const auto data = disk.path() / "data";
  const auto layout = test::layout_in(data);
  const std::vector<std::string> login{"login", "ben", "-d", data.string()};
  const std::vector<std::string> forget{"forget", "ben", "--yes",      "--reason",
                                        "asked",  "-d",  data.string()};
  int failed = 0;
  for (const std::uint64_t room : {4U, 8U, 12U, 20U, 28U, 40U, 64U, 96U}) {
    INFO("room for " << room << " KiB");
    std::filesystem::remove_all(data);
    for (const auto& command : {login, forget}) {
      disk.fill(std::uint64_t{room} << 10);
      const auto ended = run_rollcall(scratch.path(), command);
      disk.make_room();
      if (ended.code == 0) continue;
      ++failed;
      check_sentence(ended);
      CHECK(halves(disk.path()) == std::vector<std::string>{});
      const auto again = run_rollcall(scratch.path(), command);
      INFO("again: " << again.err);
      if (ended.err.find("(the erasure ") == std::string::npos) {
        CHECK(again.code == 0);
      } else {  // the opening finished it, so that nobody of that name is left
        CHECK(again.err.find("there is no user 'ben'") != std::string::npos);
      }
    }
    CHECK(run_rollcall(scratch.path(), {"checkpoint", "sign", "-d", data.string()}).code == 0);
    check_verified(layout);
    const auto writer = store::open_store(layout).value();
    CHECK(writer->state().users.at(1).erased);
    CHECK_FALSE(writer->vault().user_key(1));
  }
  CHECK(failed >= 4);
}

TEST_CASE("a log whose making was cut short is made at the next start", "[cli][disk]") {
  const Scratch scratch;
  const auto layout = test::layout_in(scratch.path());
  {
    const auto writer = store::Writer::create(layout, "rollcall.test/log").value();
    writer->log().delete_meta("format").value();
  }
  std::filesystem::remove(layout.clean());
  const auto writer = store::open_or_create_store(layout);
  INFO((writer ? "" : writer.error().detail));
  REQUIRE(writer);
  CHECK((*writer)->log().last() == 0);
}
