// Imports: all or nothing, once, and never into the past.
#include "replay/import.h"

#include "store/log/event_clock.h"
#include "store/open_store.h"
#include "tests/support/failing_disk.h"
#include "tests/support/stores.h"

#include <catch2/catch.hpp>

#include <array>
#include <tuple>

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

/// Logins, activities and logouts of twenty people, some with sessions that are not open.
std::string lives(int lines, std::mt19937_64& rng) {
  std::string out;
  for (int i = 0; i < lines; ++i) {
    const char* type = std::array{"login", "activity", "activity", "logout"}[test::below(rng, 4)];
    const auto user = test::below(rng, 20);
    char line[200];
    std::snprintf(
        line, sizeof line,
        R"({"at":"2026-01-14T%02d:%02d:%02dZ","type":"%s","user":"u%d","session":"s%d"%s})"
        "\n",
        i / 3600, i / 60 % 60, i % 60, type, static_cast<int>(user),
        static_cast<int>(test::below(rng, 2)),
        std::string_view(type) == "activity" ? R"(,"action":"a.b","description":"x")" : "");
    out += line;
  }
  return out;
}
}  // namespace

TEST_CASE("an import that was cut short goes on where it stopped, and ends as if nothing had been",
          "[replay][crash][property]") {
  const std::uint64_t seed = test::test_seed();
  INFO("reproduce with ROLLCALL_SEED=" << seed);
  std::mt19937_64 rng{seed};
  const std::string file = lives(6500, rng);
  const Scratch scratch;
  const auto layout = test::layout_in(scratch.path() / "cut");
  const auto undisturbed = store::Writer::create(test::layout_in(scratch.path() / "u")).value();
  const auto once =
      import_ndjson(*undisturbed, file, DryRun::No, store::wall_now(), nullptr).value();
  int cuts = 0;
  store::Writer::create(layout).value();
  for (int round = 0; round < 20; ++round) {
    const auto writer = store::open_store(layout).value();
    if (cuts < 4) test::fail_syncs(".log", 1);  // the first commit: lost to us, there on the disk
    const auto report = import_ndjson(*writer, file, DryRun::No, store::wall_now(), nullptr);
    test::fail_syncs(".log", 0);
    if (!report) {
      ++cuts;
      INFO(report.error().detail);
      REQUIRE(report.error().code == Errc::Io);
      CHECK(report.error().detail.find("of 6500 lines are in the log") != std::string::npos);
      continue;
    }
    CHECK(report->headers == once.headers);
    CHECK(report->unknown == once.unknown);
    break;
  }
  CHECK(cuts == 4);
  std::vector<std::tuple<engine::Kind, engine::Micros, engine::UserNumber>> left, right;
  const auto read = [](const store::EventLog& log, auto& out) {
    log.scan(1, log.last(),
             [&](const engine::Header& h, store::ByteView) {
               out.emplace_back(h.kind, h.at, h.user);
               return true;
             })
        .value();
  };
  const auto cut = store::open_store(layout).value();
  read(undisturbed->log(), left);
  read(cut->log(), right);
  CHECK(left == right);
  CHECK(import_ndjson(*cut, file, DryRun::No, store::wall_now(), nullptr).error().code ==
        Errc::Refused);
}

TEST_CASE("an import that was cut short is refused once the log has gone on without it",
          "[replay][crash]") {
  const std::uint64_t seed = test::test_seed();
  INFO("reproduce with ROLLCALL_SEED=" << seed);
  std::mt19937_64 rng{seed};
  const std::string file = lives(2500, rng);
  const Scratch scratch;
  const auto layout = test::layout_in(scratch.path());
  {
    const auto writer = store::Writer::create(layout).value();
    test::fail_syncs(".log", 1);
    CHECK_FALSE(import_ndjson(*writer, file, DryRun::No, store::wall_now(), nullptr));
  }
  const auto writer = store::open_store(layout).value();
  store::Proposal login;
  login.kind = engine::Kind::Login;
  login.user = "eve";
  writer->write(login, store::wall_now()).value();
  const auto last = writer->log().last();
  const auto again = import_ndjson(*writer, file, DryRun::No, store::wall_now(), nullptr);
  REQUIRE_FALSE(again);
  CHECK(again.error().code == Errc::Refused);
  CHECK(again.error().detail.find("gone on since") != std::string::npos);
  CHECK(writer->log().last() == last);
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
  for (
      const std::string bad :
      {"{", "[]", R"({"at":"x","type":"login","user":"a"})",
       R"({"at":"2026-01-14T09:40:00Z","type":"fly","user":"a"})",
       R"({"at":"2026-01-14T09:40:00Z","type":"login","user":""})",
       R"({"at":"2026-01-14T09:40:00Z","type":"login","user":"a\u0001b"})",
       R"({"at":"2026-01-14T09:40:00Z","type":"activity","user":"a","action":"Not OK"})",
       R"({"at":"2026-01-14T08:00:00Z","type":"login","user":"a"})",
       R"({"at":"2126-01-14T08:00:00Z","type":"login","user":"a"})",
       R"({"at":"2026-01-14T09:40:00Z","type":"login","user":1})",
       R"({"at":"2026-01-14T09:40:00Z","type":"login","user":"a","\u0075ser":"b"})",
       R"({"at":"2026-01-14T09:40:00Z","type":"activity","user":"a","action":"x.y","properties":{"n":1,"n":2}})"}) {
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
