// One person's state and its reasons: in words for a day that is known, and for any history each
// part of the state has the event that made it.
#include "replay/question/state.h"

#include "replay/explain.h"
#include "store/forget.h"
#include "tests/support/random_history.h"
#include "tests/support/stores.h"

#include <catch2/catch.hpp>

#include <map>
#include <set>

using namespace rollcall;
using namespace rollcall::replay;
using engine::Cause;
using engine::Kind;
using store::Writer;
using test::below;
using test::kSecond;
using test::kStart;

namespace {

struct Told {
  StateQuestion::Summary is;
  std::vector<StateQuestion::Row> why;
  /// "state #7 S07: …" of the first reason of that part; empty if there is none.
  [[nodiscard]] std::string of(std::string_view part) const {
    for (const auto& row : why)
      if (row.part == part)
        return fmt::format("#{} {}: {}", row.seq.value_or(0), row.rule.value_or("-"), row.says);
    return {};
  }
};

Told told(const Reader& reader, const std::string& user, const std::optional<std::string>& at = {},
          Watched watched = Watched::ToItsEnd, Micros now = kStart * 2) {
  StateQuestion q;
  q.user = {user};
  q.at = at;
  q.explain = true;
  Desk desk{reader.layout(), &reader, now};
  desk.watched = watched;
  Told out;
  out.is = answer(desk, q, [&](const StateQuestion::Row& row) {
             out.why.push_back(row);
             return true;
           }).value();
  return out;
}

engine::Seq link(Writer& w, const std::string& user, engine::Seq session, bool up, Micros at) {
  auto p = test::about(up ? Kind::LinkUp : Kind::LinkDown, user, session,
                       up ? Cause::Connect : Cause::Abort);
  engine::write_fields(p, engine::LinkFields{5, engine::node_epoch(1, 1)});
  return w.write(p, at).value().seq;
}

}  // namespace

TEST_CASE("a state is told with its sessions, and each part with the event and the rule",
          "[replay]") {
  const test::Scratch scratch;
  const auto layout = test::layout_in(scratch.path());
  const auto w = Writer::create(layout).value();
  auto login = test::login("ada", "laptop");
  login.body.address = "10.1.0.7";
  login.body.device = "laptop";
  const auto session = w->write(login, kStart).value().seq;
  const auto up = link(*w, "ada", session, true, kStart + kSecond);
  const auto action = test::about(Kind::Activity, "ada", session);
  auto paid = action;
  paid.action = "order.paid";
  const auto active = w->write(paid, kStart + 60 * kSecond).value().seq;
  auto joined = test::about(Kind::Joined, "ada");
  engine::write_fields(joined, engine::MemberFields{9, engine::node_epoch(1, 1)});
  const auto member = w->write(joined, kStart + 61 * kSecond).value().seq;
  // Concluded at 360 s, before this event.
  const auto bob = w->write(test::login("bob", "x"), kStart + 400 * kSecond).value().seq;
  const auto down = link(*w, "ada", session, false, kStart + 410 * kSecond);
  (void)w->write(test::login("bob", "y"), kStart + 420 * kSecond).value();
  const auto reader = Reader::open(layout).value();

  const auto online = told(reader, "ada", rfc3339(kStart + 100 * kSecond));
  CHECK(online.is.state == "online");
  CHECK(online.is.sessions == 1);
  REQUIRE(online.is.open.size() == 1);
  CHECK(online.is.open[0].login_seq == session);
  CHECK(online.is.open[0].address == "10.1.0.7");
  CHECK(online.is.open[0].links == 1);
  CHECK(online.is.open[0].away_at->at == kStart + 360 * kSecond);
  CHECK_FALSE(online.is.open[0].ends_at);
  CHECK(online.of("state") ==
        fmt::format("#{} S01: online since {}: a login", session, short_time(kStart)));
  CHECK(online.of("session") ==
        fmt::format("#{} S01: opened by a login from 10.1.0.7, laptop", session));
  CHECK(online.of("activity") == fmt::format("#{} S03: last active at {}: the action order.paid",
                                             active, short_time(kStart + 60 * kSecond)));
  CHECK(online.of("link") == fmt::format("#{} S13: connection 5 at node 1", up));
  CHECK(online.of("room") == fmt::format("#{} M01: in channel:9", member));
  CHECK(online.of("due") ==
        fmt::format("#{} S07: turns away at {} without activity: idle_after is 300 s", active,
                    short_time(kStart + 360 * kSecond)));
  CHECK(online.of("away").empty());
  CHECK(online.of("unknown").empty());

  const auto away = told(reader, "ada", "seq:" + std::to_string(down));
  CHECK(away.is.state == "away");
  CHECK(away.is.since->at == kStart + 360 * kSecond);
  CHECK(away.is.open[0].away_since->at == kStart + 360 * kSecond);
  CHECK(away.is.open[0].ends_at->at == kStart + 425 * kSecond);
  CHECK(away.is.open[0].ends_by == "grace_expired");
  const auto concluded = bob - 1 - 1;  // before bob was enrolled
  CHECK(away.of("state") ==
        fmt::format("#{} S07: away since {}: no activity since {} (#{}, activity): inactivity "
                    "concluded after 300 s",
                    concluded, short_time(kStart + 360 * kSecond),
                    short_time(kStart + 60 * kSecond), active));
  CHECK(away.of("detached") ==
        fmt::format("#{} S17: without a connection since {}: the last one ended", down,
                    short_time(kStart + 410 * kSecond)));
  CHECK(away.of("link").empty());

  // The log ends at 420 s; a server that has it open would know that the grace ran out.
  const auto unknown = told(reader, "ada", "now");
  CHECK(unknown.is.state == "unknown");
  CHECK(unknown.is.last_known == "away");
  CHECK(unknown.is.coverage.known == "after_end");
  CHECK(unknown.of("unknown") ==
        fmt::format("#{} -: the log ends at {} and no server has it open: what follows is what was "
                    "known before, away",
                    reader.last(), short_time(kStart + 420 * kSecond)));
  CHECK(unknown.of("state").starts_with(fmt::format("#{} S07: away since", concluded)));
  CHECK(unknown.of("due").empty());
  const Micros now = kStart + 1000 * kSecond;
  const auto served = told(reader, "ada", {}, Watched::ToNow, now);
  CHECK(served.is.state == "offline");
  CHECK(served.of("state") ==
        fmt::format("#0 S19: offline since {}: no connection since {} (#{}, link_down abort): the "
                    "grace ran out after 15 s (due, not in the log yet)",
                    short_time(kStart + 425 * kSecond), short_time(kStart + 410 * kSecond), down));
}

TEST_CASE("a status, a restart and somebody who never came have their reasons", "[replay]") {
  const test::Scratch scratch;
  const auto layout = test::layout_in(scratch.path());
  const auto w = Writer::create(layout).value();
  (void)w->stage_restart(1, kStart);
  const auto session = w->write(test::login("ada", "x"), kStart).value().seq;
  auto set = test::about(Kind::StatusSet, "ada", 0, Cause::User);
  set.flags = 1;
  set.body.status_text = "lunch";
  engine::write_fields(set, engine::StatusFields{kStart + 3600 * kSecond});
  const auto status = w->write(set, kStart + kSecond).value().seq;
  (void)w->write(test::about(Kind::StatusSet, "eve", 0, Cause::User), kStart + kSecond).value();
  // The process died here and came back ten minutes later.
  (void)w->stage_restart(1, kStart + 600 * kSecond);
  w->commit().value();
  const auto reader = Reader::open(layout).value();

  const auto away = told(reader, "ada", "seq:" + std::to_string(status));
  CHECK(away.is.state == "away");
  CHECK(away.is.status == "away");
  CHECK(away.is.text == "lunch");
  CHECK(away.of("state") ==
        fmt::format("#{} U01: away since {}: the status was set: Away by hand, until {}", status,
                    short_time(kStart + kSecond), short_time(kStart + 3600 * kSecond)));
  CHECK(away.of("status").starts_with(fmt::format("#{} U01: Away by hand", status)));
  const auto gap = told(reader, "ada", rfc3339(kStart + 300 * kSecond));
  CHECK(gap.is.state == "unknown");
  CHECK(gap.is.last_known == "away");
  REQUIRE(gap.is.gaps.size() == 1);
  CHECK(gap.of("unknown") ==
        fmt::format("#{} C15: nobody watched from {} to {}: what follows is what was known before, "
                    "away",
                    gap.is.gaps[0].seq, short_time(kStart + kSecond),
                    short_time(kStart + 600 * kSecond)));
  CHECK(gap.of("session").starts_with(fmt::format("#{} S01", session)));
  const auto never = told(reader, "eve");
  CHECK(never.is.state == "offline");
  CHECK(never.of("state") == "#0 -: offline: no session was ever opened");
  const auto before = told(reader, "ada", rfc3339(kStart - kSecond));
  CHECK(before.is.state == "offline");
  CHECK(before.of("unknown") == "#0 -: the log begins at " + short_time(kStart));
}

TEST_CASE("what counts from later than it began says from when", "[replay]") {
  const test::Scratch scratch;
  const auto layout = test::layout_in(scratch.path());
  const auto w = Writer::create(layout).value();
  (void)w->stage_restart(1, kStart);
  const auto session = w->write(test::login("ada", "x"), kStart).value().seq;
  (void)link(*w, "ada", session, true, kStart + kSecond);
  // Of a server that died at 1 s and came back ten minutes later.
  (void)w->stage_restart(1, kStart + 600 * kSecond);
  w->commit().value();
  const auto back = w->log().last();
  (void)w->write(test::login("bob", "x"), kStart + 2000 * kSecond).value();
  const auto reader = Reader::open(layout).value();
  const auto then = told(reader, "ada", "seq:" + std::to_string(back));
  CHECK(then.is.state == "online");
  const std::string away = then.of("due");
  INFO(away);
  CHECK(away.find("idle_after is 300 s, counted from " + short_time(kStart + 599 * kSecond)) !=
        std::string::npos);
  const auto after = told(reader, "ada");
  CHECK(after.is.state == "offline");
  INFO(after.of("state"));
  CHECK(after.of("state").find("S19: offline since " + short_time(kStart + 630 * kSecond)) !=
        std::string::npos);
  CHECK(after.of("state").find("the grace ran out after 30 s") != std::string::npos);
}

TEST_CASE("who is enrolled in the same moment as others has reasons, too", "[replay]") {
  const test::Scratch scratch;
  const auto layout = test::layout_in(scratch.path());
  const auto w = Writer::create(layout).value();
  for (const char* user : {"ada", "bob", "cy", "dee"})
    w->write(test::login(user, "x"), kStart).value();
  const auto reader = Reader::open(layout).value();
  for (const char* user : {"ada", "bob", "cy", "dee"})
    CHECK(told(reader, user).of("state").find("S01: online since") != std::string::npos);
}

TEST_CASE("in any history each part of a state has the event that made it", "[replay][property]") {
  const std::uint64_t seed = test::test_seed();
  INFO("reproduce with ROLLCALL_SEED=" << seed);
  std::mt19937_64 rng{seed};
  for (int round = 0; round < test::rounds(3); ++round) {
    const test::MemoryStore store;
    const std::shared_ptr<Writer> writer = store.create();
    Micros at = kStart;
    std::uint64_t node = writer->stage_restart(1, at);
    for (int i = 0; i < 500; ++i) {
      at = std::max(at + static_cast<Micros>(below(rng, 120 * kSecond)), writer->state().at);
      test::do_something(*writer, node, rng, at);
      if (below(rng, 100) == 0) node = writer->stage_restart(1, at);
      writer->commit(store::Durable::No).value();
      if (const auto number = writer->vault().number_of("u" + std::to_string(below(rng, 6)));
          below(rng, 150) == 0 && number && !writer->state().users[*number].erased)
        (void)store::forget(*writer, store::plan_forget(*writer, *number), {"asked", "", false}, at)
            .value();
    }
    const auto reader = Reader::beside({writer, &writer->view()});
    for (int i = 0; i < 60; ++i) {
      const Seq seq = 1 + below(rng, reader.last());
      const auto moment =
          below(rng, 3) == 0
              ? as_of(reader, at + static_cast<Micros>(below(rng, 600 * kSecond)), at * 2,
                      Watched::ToNow)
                    .value()
              : as_of(reader, "seq:" + std::to_string(seq), at, Watched::ToItsEnd).value();
      const auto state = state_as_of(reader, moment).value();
      for (UserNumber n = 1; n < state.users.size(); ++n) {
        INFO("user " << n << " after seq " << moment.seq << " at " << moment.at);
        const engine::User& user = state.users[n];
        const auto why = explain(reader, moment, state, n).value();  // it compares the two, too
        REQUIRE(why.since.has_value() == (user.since != 0));
        if (why.since) REQUIRE(why.since->by.at == user.since);
        if (why.since) REQUIRE(why.since->rules.of_state() != nullptr);
        REQUIRE(why.sessions.size() == user.sessions.size());
        for (const SessionReasons& is : why.sessions) {
          const engine::Session& session = state.sessions.at(is.session);
          REQUIRE(is.opened);
          REQUIRE(is.opened->by.seq == is.session);
          REQUIRE(is.away.has_value() == session.away);
          REQUIRE(is.detached.has_value() == session.detached);
          REQUIRE(is.links.size() == session.links.size());
          for (std::size_t l = 0; l < is.links.size(); ++l)
            REQUIRE(is.links[l].first == session.links[l]);
          const Header& active = is.active ? is.active->by : is.opened->by;
          REQUIRE(active.at >= session.last_activity_at);
        }
        std::set<std::uint64_t> rooms, told;
        for (const auto& member : user.attendance) rooms.insert(member.channel);
        for (const auto& [channel, made] : why.members) told.insert(channel);
        REQUIRE(told == rooms);
        if (!user.erased) REQUIRE(why.status.has_value() == (user.status_seq != 0));
        if (why.status) REQUIRE(why.status->by.seq == user.status_seq);
        if (user.last_seen != 0) {
          REQUIRE(why.seen);
          REQUIRE(why.seen->by.at >= user.last_seen);
        }
      }
    }
  }
}

TEST_CASE("each state of real people is explained", "[replay][property]") {
  const std::uint64_t seed = test::test_seed();
  INFO("reproduce with ROLLCALL_SEED=" << seed);
  std::mt19937_64 rng{seed};
  const test::Scratch scratch(test::Scratch::On::Memory);
  const auto reader = Reader::open(test::make_real_store(scratch.path(), 20'000)).value();
  for (int i = 0; i < test::rounds(60); ++i) {
    const Seq seq = 1 + below(rng, reader.last());
    const auto moment =
        as_of(reader, "seq:" + std::to_string(seq), kStart, Watched::ToItsEnd).value();
    const auto state = state_as_of(reader, moment).value();
    if (state.users.size() < 2) continue;
    // Whoever did the last event, and anybody.
    const auto last = reader.log().header(seq).value()->user;
    for (const UserNumber n :
         {last, static_cast<UserNumber>(1 + below(rng, state.users.size() - 1))}) {
      if (n == 0) continue;
      INFO("user " << n << " after seq " << seq);
      const auto why = explain(reader, moment, state, n).value();
      REQUIRE(why.since.has_value() == (state.users[n].since != 0));
      if (why.since) REQUIRE(why.since->rules.of_state() != nullptr);
    }
  }
}

TEST_CASE("a question for a state names one user", "[replay]") {
  StateQuestion q;
  CHECK(check(q).error().code == store::Errc::BadInput);
  q.user = {"ada", "bob"};
  CHECK(check(q).error().code == store::Errc::BadInput);
  q.user = {"ada"};
  CHECK(check(q));
  q.at = "nonsense";
  CHECK(check(q).error().code == store::Errc::BadInput);
}
