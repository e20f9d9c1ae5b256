// Imports: all or nothing, once, and never into the past.
#include "replay/import.h"

#include "tests/support/stores.h"

#include <catch2/catch.hpp>

using namespace rollcall;
using namespace rollcall::replay;
using store::Errc;
using test::Scratch;

namespace {
const std::string kGood =
    R"({"at":"2026-01-14T09:00:00Z","type":"login","user":"ada","session":"s1","context":{"agent":"test"}})"
    "\n"
    R"({"at":"2026-01-14T09:01:00Z","type":"activity","user":"ada","session":"s1","action":"message.posted","description":"hello"})"
    "\n"
    R"({"at":"2026-01-14T09:30:00Z","type":"logout","user":"ada","session":"s1"})"
    "\n";
}

TEST_CASE("an import appends its events and what timers conclude between them", "[replay]") {
  const Scratch scratch;
  const auto writer =
      store::Writer::create(test::layout_in(scratch.path()), "rollcall.test/log").value();
  const auto report = import_ndjson(*writer, kGood, DryRun::No, store::wall_now(), nullptr).value();
  CHECK(report.logins == 1);
  CHECK(report.activities == 1);
  CHECK(report.logouts == 1);
  std::vector<engine::Kind> kinds;
  writer->log()
      .scan(1, writer->log().last(),
            [&](const engine::Header& h, store::ByteView) {
              kinds.push_back(h.kind);
              return true;
            })
      .value();
  using engine::Kind;
  CHECK(kinds == std::vector<Kind>{Kind::ImportBegan, Kind::UserEnrolled, Kind::Login,
                                   Kind::ActionNamed, Kind::Activity, Kind::Inactivity,
                                   Kind::Logout, Kind::ImportEnded, Kind::StateDigest});
}

TEST_CASE("C22 the same file again, or one of the past, is refused and writes nothing",
          "[replay]") {
  const Scratch scratch;
  const auto writer =
      store::Writer::create(test::layout_in(scratch.path()), "rollcall.test/log").value();
  import_ndjson(*writer, kGood, DryRun::No, store::wall_now(), nullptr).value();
  const auto last = writer->log().last();
  CHECK(import_ndjson(*writer, kGood, DryRun::No, store::wall_now(), nullptr).error().code ==
        Errc::Refused);
  const std::string past = R"({"at":"2020-01-14T09:00:00Z","type":"login","user":"eve"})";
  CHECK(import_ndjson(*writer, past, DryRun::No, store::wall_now(), nullptr).error().code ==
        Errc::Refused);
  CHECK(writer->log().last() == last);
}

TEST_CASE("a bad line is named and writes nothing", "[replay]") {
  const Scratch scratch;
  const auto writer =
      store::Writer::create(test::layout_in(scratch.path()), "rollcall.test/log").value();
  for (const std::string bad :
       {"{", "[]", R"({"at":"x","type":"login","user":"a"})",
        R"({"at":"2026-01-14T09:40:00Z","type":"fly","user":"a"})",
        R"({"at":"2026-01-14T09:40:00Z","type":"login","user":""})",
        R"({"at":"2026-01-14T09:40:00Z","type":"login","user":"a\u0001b"})",
        R"({"at":"2026-01-14T09:40:00Z","type":"activity","user":"a","action":"Not OK"})",
        R"({"at":"2026-01-14T08:00:00Z","type":"login","user":"a"})",
        R"({"at":"2126-01-14T08:00:00Z","type":"login","user":"a"})",
        R"({"at":"2026-01-14T09:40:00Z","type":"login","user":1})"}) {
    const auto report =
        import_ndjson(*writer, kGood + bad + "\n", DryRun::No, store::wall_now(), nullptr);
    INFO(bad);
    REQUIRE_FALSE(report);
    CHECK(report.error().detail.find("line 4") != std::string::npos);
    CHECK(writer->log().last() == 0);
  }
}

TEST_CASE("the real events import whole", "[replay]") {
  const auto file = test::test_data("ubuntu-irc.ndjson.zst");
  if (!file) {
    WARN("skipped: no ubuntu-irc.ndjson.zst in the test data");
    return;
  }
  const Scratch scratch;
  const auto writer =
      store::Writer::create(test::layout_in(scratch.path()), "rollcall.test/log").value();
  const auto text = read_maybe_zst(*file, std::size_t{1} << 30).value();
  const auto report = import_ndjson(*writer, text, DryRun::No, store::wall_now(), nullptr).value();
  CHECK(report.lines == 176'694);
  CHECK(report.logins == 23'367);
  CHECK(report.activities == 129'960);
  CHECK(report.logouts == 23'367);
  CHECK(writer->vault().users() == 16'957 + 1);
}
