// The live log: clock, restarts, touches, policies, storms; the corner cases that need them.
#include "store/live.h"

#include "replay/attendance.h"
#include "replay/reader.h"
#include "store/log/state_digest.h"
#include "store/open_store.h"
#include "tests/support/stores.h"

#include <catch2/catch.hpp>

#include <future>

using namespace rollcall;
using engine::Cause;
using engine::Kind;
using engine::Micros;
using engine::Presence;
using store::Proposal;
using store::Transaction;
using store::Writer;
using test::kSecond;
using test::kStart;

namespace {

Proposal proposal(Kind kind, const std::string& user, engine::Seq session = 0,
                  Cause cause = Cause::None) {
  Proposal p;
  p.kind = kind;
  p.user = user;
  p.session = session;
  p.cause = cause;
  if (kind == Kind::Login) p.body.external_key = std::string(store::kDefaultSession);
  return p;
}

store::Written link(Writer& w, Kind kind, const std::string& user, engine::Seq session,
                    std::uint64_t connection, std::uint64_t node, Micros at,
                    Cause cause = Cause::Abort) {
  Proposal p = proposal(kind, user, session, cause);
  p.a = connection;
  p.b = node;
  return w.stage(p, at).value();
}

Presence state_of(const Writer& w, const std::string& user) {
  return w.state().users[w.vault().number_of(user).value()].state;
}

}  // namespace

TEST_CASE("a step of the clock moves open deadlines with it", "[store]") {
  const test::MemoryStore store;
  const auto writer = store.create();
  writer->stage(proposal(Kind::Login, "a"), kStart).value();
  writer->stage_clock_step(3600 * kSecond, kStart + 10 * kSecond);
  writer->conclude(kStart + 3610 * kSecond + 280 * kSecond);
  CHECK(state_of(*writer, "a") == Presence::Online);
  writer->conclude(kStart + 3610 * kSecond + 291 * kSecond);
  CHECK(state_of(*writer, "a") == Presence::Away);
}

TEST_CASE("C15: a restart concludes what was due, starts graces anew, moves deadlines by the gap",
          "[store]") {
  const test::Scratch scratch;
  const auto layout = test::layout_in(scratch.path());
  const Micros died = kStart + 100 * kSecond, back = died + 1000 * kSecond;
  std::uint64_t old_epoch = 0;
  {
    const auto w = Writer::create(layout).value();
    old_epoch = w->stage_restart(1, kStart);
    const auto s = w->stage(proposal(Kind::Login, "linked"), kStart).value().seq;
    link(*w, Kind::LinkUp, "linked", s, 7, old_epoch, kStart);
    Proposal joined = proposal(Kind::Joined, "linked", s);
    joined.a = w->channel_id("presence-x", kStart).value().value();
    joined.b = old_epoch;
    w->stage(joined, kStart).value();
    const auto d = w->stage(proposal(Kind::Login, "detached"), kStart).value().seq;
    link(*w, Kind::LinkUp, "detached", d, 8, old_epoch, kStart);
    const auto g = w->stage(proposal(Kind::Login, "gone"), kStart).value().seq;
    link(*w, Kind::LinkUp, "gone", g, 9, old_epoch, kStart);
    w->stage(proposal(Kind::Login, "quiet"), kStart).value();                      // Away at 300
    link(*w, Kind::LinkDown, "gone", g, 9, old_epoch, kStart + 10 * kSecond);      // until 25
    link(*w, Kind::LinkDown, "detached", d, 8, old_epoch, kStart + 95 * kSecond);  // until 110
    Proposal mark;
    mark.kind = Kind::AliveMark;
    w->stage(mark, died).value();
    w->commit().value();
  }
  const auto w = open_store(layout).value();
  CHECK(state_of(*w, "gone") == Presence::Offline);
  const auto epoch = w->stage_restart(1, back);
  CHECK(epoch == old_epoch + 1);
  CHECK(w->state().at == back);
  for (const char* user : {"linked", "detached", "quiet"})
    CHECK(state_of(*w, user) == Presence::Online);
  CHECK(w->state().users[w->vault().number_of("linked").value()].attendance.empty());
  w->conclude(back + 15 * kSecond);  // an abort's grace begins again at the start
  CHECK(state_of(*w, "detached") == Presence::Online);
  w->conclude(back + 15 * kSecond + 1);
  CHECK(state_of(*w, "detached") == Presence::Offline);
  w->conclude(back + 30 * kSecond + 1);  // a lost node's
  CHECK(state_of(*w, "linked") == Presence::Offline);
  w->conclude(back + 200 * kSecond);  // 100 of its 300 s had passed
  CHECK(state_of(*w, "quiet") == Presence::Online);
  w->conclude(back + 200 * kSecond + 1);
  CHECK(state_of(*w, "quiet") == Presence::Away);
  w->commit().value();
  const auto gaps = replay::coverage_gaps(replay::Reader::open(layout).value()).value();
  REQUIRE(gaps.size() == 1);
  CHECK(gaps[0].from == died);
  CHECK(gaps[0].to == back);
}

TEST_CASE("C13: of 50,000 sessions of a lost node, those that return have no transition",
          "[store]") {
  engine::Sequencer s{engine::State{}};
  std::vector<engine::Sequenced> out;
  std::vector<engine::Transition> transitions;
  const auto put = [&](Kind kind, engine::UserNumber user, Micros at, engine::Seq session = 0,
                       std::uint64_t a = 0, std::uint64_t b = 0, Cause cause = Cause::None) {
    engine::Header h;
    h.kind = kind;
    h.cause = cause;
    h.user = user;
    h.session = session;
    h.a = a;
    h.b = b;
    return out[s.append(h, at, out, transitions)].header.seq;
  };
  constexpr engine::UserNumber kUsers = 50'000, kReturn = 49'990;
  const std::uint64_t node = (std::uint64_t{2} << 32) | 1, next = node + 1;
  put(Kind::NodeUp, 0, kStart, 0, node);
  std::vector<engine::Seq> sessions(kUsers + 1);
  for (engine::UserNumber u = 1; u <= kUsers; ++u) {
    put(Kind::UserEnrolled, u, kStart);
    sessions[u] = put(Kind::Login, u, kStart, 0, u, u);
    put(Kind::LinkUp, u, kStart, sessions[u], u, node);
  }
  transitions.clear();
  const Micros down = kStart + kSecond;
  put(Kind::NodeDown, 0, down, 0, node, static_cast<std::uint64_t>(down), Cause::Crash);
  put(Kind::NodeUp, 0, down + kSecond, 0, next);
  for (engine::UserNumber u = 1; u <= kReturn; ++u)
    put(Kind::LinkUp, u, down + 20 * kSecond, sessions[u], u, next);
  CHECK(transitions.empty());
  s.conclude(down + 30 * kSecond, out, transitions);
  CHECK(transitions.empty());
  s.conclude(down + 30 * kSecond + 1, out, transitions);
  REQUIRE(transitions.size() == kUsers - kReturn);
  for (const auto& t : transitions) CHECK(t.to == Presence::Offline);

  SECTION(
      "C14: a false alarm that heals after the grace: the sessions were closed, clients log in "
      "again") {
    const auto user = kUsers;
    CHECK(out[out.size() - 1].header.cause == Cause::GraceExpired);
    const auto late = put(Kind::LinkUp, user, down + 40 * kSecond, sessions[user], user, next);
    CHECK(out[late - 1].outcome == engine::Outcome::UnknownSession);
    put(Kind::Login, user, down + 41 * kSecond, 0, user, user, Cause::Resync);
    CHECK(s.state().users[user].state == Presence::Online);
  }
}

TEST_CASE("C17: idle_after lowered takes effect on those who are here", "[store]") {
  const test::MemoryStore store;
  const auto w = store.create();
  w->stage(proposal(Kind::Login, "a"), kStart).value();
  engine::Policy policy;
  policy.idle_after_ms = 20'000;
  engine::Header fields;
  engine::write_policy(policy, fields);
  Proposal set;
  set.kind = Kind::PolicySet;
  set.a = fields.a;
  set.b = fields.b;
  set.c = fields.c;
  w->stage(set, kStart + 10 * kSecond).value();
  w->conclude(kStart + 20 * kSecond);
  CHECK(state_of(*w, "a") == Presence::Online);
  w->conclude(kStart + 20 * kSecond + 1);
  CHECK(state_of(*w, "a") == Presence::Away);
}

TEST_CASE(
    "a touch is logged each minute, and when it is not, it still keeps nobody from being Online",
    "[store]") {
  const test::MemoryStore store;
  const auto w = store.create();
  const auto s = w->stage(proposal(Kind::Login, "a"), kStart).value().seq;
  CHECK_FALSE(w->stage_touch(s, kStart + 30 * kSecond).value());
  CHECK(w->stage_touch(s, kStart + 61 * kSecond).value());
  CHECK_FALSE(w->stage_touch(s, kStart + 100 * kSecond).value());
  w->conclude(kStart + 362 * kSecond);  // due at 361: the touch at 100 is appended in its place
  CHECK(state_of(*w, "a") == Presence::Online);
  w->conclude(kStart + 400 * kSecond + 1);
  CHECK(state_of(*w, "a") == Presence::Away);
  CHECK(w->stage_touch(s, kStart + 500 * kSecond).value());
  CHECK(state_of(*w, "a") == Presence::Online);
  CHECK_FALSE(w->stage_touch(s, kStart + 510 * kSecond).value());
  w->stage_farewell(kStart + 520 * kSecond);
  CHECK(w->state().sessions.at(s).last_activity_at == kStart + 510 * kSecond);
}

TEST_CASE("what threads submit is durable before they are told, in one order", "[store]") {
  const test::Scratch scratch;
  const auto layout = test::layout_in(scratch.path());
  std::atomic<engine::Seq> durable = 0;
  {
    store::LiveOptions options;
    options.on_durable = [&](const Writer::Batch& batch) {
      durable = batch.events.back().header.seq;
    };
    const auto live = store::Live::start(layout, options).value();
    std::vector<std::thread> threads;
    std::atomic<int> early = 0, told = 0;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0; i < 500; ++i) {
          const bool taken = live->submit([&, t, i](Transaction& transaction) {
            const auto written =
                transaction.append(proposal(Kind::Login, "u" + std::to_string(t * 1000 + i)));
            const engine::Seq seq = written.value().seq;
            transaction.when_durable([&, seq](const store::Result<void>& ok) {
              if (!ok || durable < seq) ++early;
              ++told;
            });
          });
          if (!taken) --told;
        }
      });
    }
    for (auto& t : threads) t.join();
    live->stop();
    CHECK(early == 0);
    CHECK(told == 2000);
  }
  const auto writer = open_store(layout).value();
  CHECK(writer->vault().users() == 2001);
  CHECK(store::digest_of(writer->state()) ==
        store::digest_of(
            replay::state_at(replay::Reader::open(layout).value(), ~engine::Seq{0}).value().state));
}

TEST_CASE("beside a writer, what an action is called is known without opening anything",
          "[store]") {
  const test::Scratch scratch;
  const auto layout = test::layout_in(scratch.path());
  std::vector<engine::Header> headers;
  const auto act = [&](Writer& w, int i) {
    Proposal p = proposal(Kind::Activity, "a");
    p.action = "act." + std::to_string(i);
    headers.push_back(w.stage(p, kStart).value().header);
  };
  {
    const auto w = Writer::create(layout).value();
    w->stage(proposal(Kind::Login, "a"), kStart).value();
    for (int i = 0; i < 100; ++i) act(*w, i);
    w->commit().value();
  }
  const std::shared_ptr<Writer> w = open_store(layout).value();
  for (int i = 100; i < 200; ++i) act(*w, i);
  w->commit().value();
  // Whoever opens one name, or all of them, finds none: each new name would cost as much as all.
  std::vector<engine::Seq> named;
  for (const auto& [id, seq] : w->ledger().actions) named.push_back(seq);
  w->log().drop_bodies(named).value();
  for (int i = 0; i < 200; ++i)
    REQUIRE(replay::Reader::beside({w, &w->view()}).action_text(headers[i], {}) ==
            "act." + std::to_string(i));
}

TEST_CASE("digests made from dirty pages alone are those of the whole state", "[store][property]") {
  const std::uint64_t seed = test::test_seed();
  INFO("reproduce with ROLLCALL_SEED=" << seed);
  std::mt19937_64 rng{seed};
  const test::Scratch scratch;
  const auto w = Writer::create(test::layout_in(scratch.path())).value();
  store::StateDigester digester;
  Micros at = kStart;
  std::uint64_t node = w->stage_restart(1, at);
  for (int i = 0; i < 2000; ++i) {
    at += static_cast<Micros>(test::below(rng, 20 * kSecond));
    const std::string user = "u" + std::to_string(test::below(rng, 150));
    const auto session = w->session_by_key(user, store::kDefaultSession);
    const auto what = test::below(rng, 12);
    if (!session || what == 0)
      (void)w->stage(proposal(Kind::Login, user), at);
    else if (what < 4)
      (void)w->stage(proposal(Kind::Activity, user, *session), at);
    else if (what < 6)
      link(*w, Kind::LinkUp, user, *session, test::below(rng, 3), node, at);
    else if (what < 8)
      link(*w, Kind::LinkDown, user, *session, test::below(rng, 3), node, at);
    else if (what == 8)
      (void)w->stage(proposal(Kind::Logout, user, *session, Cause::Logout), at);
    else if (what == 9)
      w->stage_clock_step(static_cast<Micros>(test::below(rng, 100)) * kSecond, at);
    else if (what == 10 && test::below(rng, 10) == 0)
      node = w->stage_restart(1, at);
    at = std::max(at, w->state().at);
    if (i % 100 == 0) {
      engine::State copy = w->state();
      engine::State& live = const_cast<engine::State&>(w->state());
      REQUIRE(digester.root(live) == store::digest_of(copy));
    }
  }
}
