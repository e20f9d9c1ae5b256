// A store whose server died: whoever appends to it first tells the gap.
#include "replay/as_of.h"
#include "replay/import.h"
#include "replay/read_log.h"
#include "replay/time_text.h"
#include "store/forget.h"
#include "store/govern.h"
#include "store/log/event_clock.h"
#include "store/open_store.h"
#include "store/retention.h"
#include "tests/support/stores.h"

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <filesystem>

using namespace rollcall;
using engine::Cause;
using engine::Kind;
using engine::Micros;
using engine::Presence;
using store::Proposal;
using store::Writer;
using test::kSecond;
using test::kStart;

namespace {

constexpr Micros kDied = kStart + 100 * kSecond, kBack = kDied + 1000 * kSecond;

Proposal about(Kind kind, const std::string& user) {
  Proposal p;
  p.kind = kind;
  p.user = user;
  if (kind == Kind::Login) p.body.external_key = std::string(store::kDefaultSession);
  return p;
}

/// A server that ran from kStart and was last heard at kDied: ada is connected, bob came by the
/// API.
std::uint64_t let_a_server_die(const store::Layout& layout) {
  const auto w = Writer::create(layout).value();
  const std::uint64_t epoch = w->stage_restart(1, kStart);
  const auto session = w->stage(about(Kind::Login, "ada"), kStart).value().seq;
  Proposal up = about(Kind::LinkUp, "ada");
  up.session = session;
  up.a = 7;
  up.b = epoch;
  w->stage(up, kStart).value();
  w->stage(about(Kind::Login, "bob"), kStart).value();
  Proposal mark;
  mark.kind = Kind::AliveMark;
  w->stage(mark, kDied).value();
  w->commit().value();
  return epoch;
}

Presence state_of(const Writer& w, const std::string& user) {
  return w.state().users[w.vault().number_of(user).value()].state;
}

}  // namespace

TEST_CASE("whatever is appended first to a store whose server died, the gap is told before it",
          "[store]") {
  struct Row {
    const char* name;
    std::function<void(Writer&)> append;
  };
  const std::vector<Row> rows{
      {"a login", [](Writer& w) { w.write(about(Kind::Login, "eve"), kBack).value(); }},
      {"an activity", [](Writer& w) { w.write(about(Kind::Activity, "ada"), kBack).value(); }},
      {"a logout", [](Writer& w) { w.write(about(Kind::Logout, "bob"), kBack).value(); }},
      {"a status", [](Writer& w) { w.write(about(Kind::StatusSet, "ada"), kBack).value(); }},
      {"a hold",
       [](Writer& w) {
         store::change_hold(w, Kind::HoldSet, {"ada", {}}, "a case", "T-1", kBack).value();
       }},
      {"a retention rule",
       [](Writer& w) { store::set_retention(w, Kind::Activity, 86'400, kBack).value(); }},
      {"a setting", [](Writer& w) { replay::set_reads_need_reason(w, true, kBack).value(); }},
      {"a checkpoint", [](Writer& w) { (void)w.sign(kBack).value(); }},
      {"forgetting",
       [](Writer& w) {
         const auto plan = store::plan_forget(w, w.vault().number_of("bob").value());
         store::forget(w, plan, {"a request", "T-2", false}, kBack).value();
       }},
      {"an import",
       [](Writer& w) {
         const auto line =
             fmt::format(R"({{"at":"{}","type":"login","user":"eve"}})", replay::rfc3339(kBack));
         replay::import_ndjson(w, line, replay::DryRun::No, kBack, nullptr).value();
       }},
      {"conclusions alone",
       [](Writer& w) {
         w.conclude(kBack);
         w.commit().value();
       }},
  };
  for (const Row& row : rows) {
    DYNAMIC_SECTION(row.name) {
      const test::Scratch scratch;
      const auto layout = test::layout_in(scratch.path());
      const std::uint64_t epoch = let_a_server_die(layout);
      engine::Seq last = 0;
      {
        const auto w = open_store(layout).value();
        last = w->log().last();
        row.append(*w);
        const auto down = w->log().header(last + 1).value().value();
        CHECK(down.kind == Kind::NodeDown);
        CHECK(down.cause == Cause::Restart);
        CHECK(down.a == epoch);
        CHECK(down.b == static_cast<std::uint64_t>(kDied));
        CHECK(down.at == kBack);
        CHECK(state_of(*w, "ada") == Presence::Online);
      }
      const auto gaps = replay::coverage_gaps(replay::Reader::open(layout).value()).value();
      REQUIRE(gaps.size() == 1);
      CHECK(gaps[0].from == kDied);
      CHECK(gaps[0].to == kBack);
      // The gap is told once, and a start does not tell it again.
      const auto w = open_store(layout).value();
      w->write(about(Kind::Activity, "ada"), kBack + kSecond).value();
      CHECK(w->stage_restart(1, kBack + 2 * kSecond) == epoch + 1);
      w->commit().value();
      CHECK(replay::coverage_gaps(replay::Reader::open(layout).value()).value().size() == 1);
      // Deadlines moved by it: 100 of bob's 300 s had passed; ada has the grace of a lost node.
      w->conclude(kBack + 30 * kSecond);
      CHECK(state_of(*w, "ada") == Presence::Online);
      w->conclude(kBack + 31 * kSecond + 1);  // the activity at kBack + 1 s began the grace anew
      CHECK(state_of(*w, "ada") == Presence::Offline);
      if (w->vault().number_of("bob") && state_of(*w, "bob") != Presence::Offline) {
        w->conclude(kBack + 200 * kSecond);
        CHECK(state_of(*w, "bob") == Presence::Online);
        w->conclude(kBack + 200 * kSecond + 1);
        CHECK(state_of(*w, "bob") == Presence::Away);
      }
    }
  }
}

TEST_CASE("a logged read of a store whose server died tells the gap", "[store]") {
  const test::Scratch scratch;
  const auto layout = test::layout_in(scratch.path());
  let_a_server_die(layout);
  store::Opening opening;
  opening.accept_clock = store::AcceptClock::Yes;
  replay::ReadNote note;
  note.reason = "incident 7";
  replay::note_read(layout, note, opening).value();
  const auto gaps = replay::coverage_gaps(replay::Reader::open(layout).value()).value();
  REQUIRE(gaps.size() == 1);
  CHECK(gaps[0].from == kDied);
}

TEST_CASE("a server that opens its own log anew goes on as the node it is", "[store]") {
  const test::Scratch scratch;
  const auto layout = test::layout_in(scratch.path());
  let_a_server_die(layout);
  store::Opening opening;
  opening.nodes = store::Opening::Nodes::GoOn;
  const auto w = open_store(layout, opening).value();
  w->write(about(Kind::Activity, "ada"), kDied + kSecond).value();
  CHECK(replay::coverage_gaps(replay::Reader::open(layout).value()).value().empty());
}

TEST_CASE("a wall more than 400 days ahead of the log's last event opens no store for writing",
          "[store]") {
  const test::Scratch scratch;
  const auto layout = test::layout_in(scratch.path());
  let_a_server_die(layout);
  store::Opening opening;
  opening.wall = kDied + store::EventClock::kRefused;
  CHECK(open_store(layout, opening));
  ++*opening.wall;
  CHECK(open_store(layout, opening).error().code == store::Errc::Refused);
  opening.accept_clock = store::AcceptClock::Yes;
  CHECK(open_store(layout, opening));
}

TEST_CASE("a step of the clock ahead is a gap, and what lies in it is how it was before",
          "[store]") {
  const test::Scratch scratch;
  const auto layout = test::layout_in(scratch.path());
  const auto w = Writer::create(layout).value();
  w->write(about(Kind::Login, "ada"), kStart).value();
  w->stage_clock_step(7200 * kSecond, kStart + 10 * kSecond);
  w->write(about(Kind::Activity, "ada"), kStart + 7210 * kSecond).value();
  w->stage_clock_step(-3600 * kSecond, kStart + 7220 * kSecond);
  w->commit().value();
  const auto reader = replay::Reader::open(layout).value();
  const auto gaps = replay::coverage_gaps(reader).value();
  REQUIRE(gaps.size() == 1);
  CHECK(gaps[0].from == kStart + 10 * kSecond);
  CHECK(gaps[0].to == kStart + 7210 * kSecond);
  const auto around = [&](Micros at) {
    return replay::as_of(reader, at, at, replay::Watched::ToItsEnd).value();
  };
  CHECK(around(kStart + 5 * kSecond).known == replay::Known::Yes);
  CHECK(around(kStart + 10 * kSecond).known == replay::Known::Yes);
  const auto in_it = around(kStart + 11 * kSecond);
  CHECK(in_it.known == replay::Known::InGap);
  REQUIRE(in_it.gaps.size() == 1);
  CHECK(in_it.gaps[0].seq == gaps[0].seq);
  CHECK(around(kStart + 7210 * kSecond - 1).known == replay::Known::InGap);
  CHECK(around(kStart + 7210 * kSecond).known == replay::Known::Yes);
  CHECK(around(kStart + 7211 * kSecond).known == replay::Known::Yes);
  CHECK(replay::coverage_gaps(reader, kStart, kStart + 10 * kSecond).value().empty());
  CHECK(replay::coverage_gaps(reader, kStart, kStart + 11 * kSecond).value().size() == 1);
}

TEST_CASE("no command opens a store for writing but by the door that judges the clock", "[cli]") {
  const std::filesystem::path folder = std::filesystem::path(ROLLCALL_SOURCE_DIR) / "cli";
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".cc" || entry.path().filename() == "writing.cc") continue;
    INFO(entry.path().string());
    CHECK(test::slurp(entry.path()).find("Writer::open") == std::string::npos);
    ++files;
  }
  CHECK(files > 10);
}
