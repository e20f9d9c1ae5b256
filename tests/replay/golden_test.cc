// Stores that released versions wrote, opened with today's code: tests/golden/VERSION.
#include "replay/event_json.h"
#include "replay/verify.h"
#include "store/bytes/files.h"
#include "store/log/snapshot.h"
#include "store/open_store.h"
#include "tests/support/stores.h"

#include <boost/json.hpp>
#include <catch2/catch.hpp>

#include <set>
#include <sstream>

using namespace rollcall;
namespace json = boost::json;

namespace {

std::vector<std::filesystem::path> golden_stores() {
  std::vector<std::filesystem::path> out;
  for (const auto& entry : std::filesystem::directory_iterator(
           std::filesystem::path(ROLLCALL_SOURCE_DIR) / "tests/golden"))
    if (entry.is_directory()) out.push_back(entry.path());
  std::sort(out.begin(), out.end());
  return out;
}

std::vector<json::object> rows_of(const std::filesystem::path& file) {
  std::istringstream lines(store::read_file(file).value());
  std::vector<json::object> out;
  for (std::string line; std::getline(lines, line);) out.push_back(json::parse(line).as_object());
  return out;
}

/// Every StateDigest is folded and compared, every header hashed, every text opened.
replay::VerifyReport verify(const store::Layout& layout) {
  replay::VerifyOptions options;
  options.full = options.replay = true;
  return replay::verify_store(layout, options);
}

std::string told(const replay::VerifyReport& report) {
  std::string out;
  for (const auto& check : report.checks) out += check.name + " " + check.detail + "\n";
  for (const auto& finding : report.findings) out += finding.text + "\n";
  return out;
}

}  // namespace

TEST_CASE("a store of each released version opens, verifies and replays to the same digests",
          "[replay][golden]") {
  REQUIRE_FALSE(golden_stores().empty());
  for (const auto& golden : golden_stores()) {
    DYNAMIC_SECTION(golden.filename().string()) {
      const test::Scratch scratch;
      test::copy_tree(golden / "apps", scratch.path() / "apps");
      const auto layout = store::locate(scratch.path(), "main").value();
      const auto report = verify(layout);
      INFO(told(report));
      REQUIRE(report.verdict() == replay::Verdict::Verified);

      // What the program of then printed of each event, word for word; new members may come.
      const auto rows = rows_of(golden / "events.ndjson");
      std::set<std::string> kinds;
      {
        const auto reader = replay::Reader::open(layout).value();
        REQUIRE(reader.last() == rows.size());
        std::size_t at = 0;
        (void)reader.log().scan(1, reader.last(), [&](const engine::Header& h, store::ByteView) {
          const json::object now = replay::to_full_json(replay::view_of(reader, h));
          for (const auto& was : rows[at]) {
            INFO("event " << h.seq << ", member " << was.key());
            REQUIRE(now.contains(was.key()));
            CHECK(now.at(was.key()) == was.value());
          }
          kinds.emplace(engine::name_of(h.kind));
          ++at;
          return true;
        });
      }
      CHECK(kinds.size() == engine::kKindCount - 1U);

      // It goes on: what today's writer adds is signed over what was there.
      {
        const auto writer = store::open_store(layout).value();
        const auto at = writer->state().at + test::kSecond;
        store::Proposal login;
        login.kind = engine::Kind::Login;
        login.cause = engine::Cause::Login;
        login.user = "today";
        REQUIRE(writer->write(login, at));
        REQUIRE(writer->sign(at + test::kSecond));
      }
      const auto after = verify(layout);
      INFO(told(after));
      CHECK(after.verdict() == replay::Verdict::Verified);
    }
  }
}

TEST_CASE("the golden stores hold each form that a file has had", "[replay][golden]") {
  struct Row {
    const char *version, *format, *snapshot;
    bool name_is_signed, backups;
  };
  for (const Row& row : {Row{"0.5.1", "rollcall-log-1", "rcsnap01", false, false},
                         Row{"0.6.0", "rollcall-log-2", "rcsnap02", true, true}}) {
    DYNAMIC_SECTION(row.version) {
      const test::Scratch scratch;
      test::copy_tree(
          std::filesystem::path(ROLLCALL_SOURCE_DIR) / "tests/golden" / row.version / "apps",
          scratch.path() / "apps");
      const auto layout = store::locate(scratch.path(), "main").value();
      const auto reader = replay::Reader::open(layout).value();
      CHECK(reader.log().meta("format").value() == row.format);

      const auto snapshots = store::list_snapshots(layout);
      REQUIRE(snapshots.size() == 1);
      CHECK(store::read_file(snapshots[0].path).value().starts_with(row.snapshot));
      CHECK(store::read_snapshot(snapshots[0], reader.log()).has_value());

      // Of those who were not forgotten, the name is a body of the event that enrolled them.
      std::set<bool> named;
      bool forgotten = false;
      (void)reader.log().scan(1, reader.last(), [&](const engine::Header& h, store::ByteView) {
        forgotten |= h.kind == engine::Kind::UserErased;
        const auto event = replay::view_of(reader, h);
        if (h.kind == engine::Kind::UserEnrolled && !event.user.starts_with('#'))
          named.insert(event.body.body.name == event.user);
        return true;
      });
      CHECK(forgotten);
      CHECK(named == std::set<bool>{row.name_is_signed});

      CHECK(std::filesystem::exists(layout.backups()) == row.backups);
      if (row.backups) {
        const std::string text = store::read_file(layout.backups()).value();
        CHECK(store::without_sum(text).value_or(text) != text);
      }
      CHECK(std::filesystem::exists(layout.checkpoint()));
    }
  }
}
