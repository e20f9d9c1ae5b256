// What apply() says an event did: by kind, and against the state after any history.
#include "engine/attendance.h"
#include "engine/fields_by_kind.h"
#include "engine/reducer.h"
#include "tests/support/mirror.h"
#include "tests/support/scratch.h"

#include <catch2/catch.hpp>

#include <random>

using namespace rollcall::engine;
using Texts = std::vector<std::string>;

namespace {

constexpr Micros kSec = 1'000'000;
constexpr std::uint64_t kNode = (1ULL << 32) | 1;

std::string text(const Effect& effect) {
  const auto n = [](std::uint64_t number) { return " " + std::to_string(number); };
  const std::string what = std::visit(
      Each{[](const UserKnown&) -> std::string { return "known"; },
           [](const UserForgotten&) -> std::string { return "forgotten"; },
           [&](const SessionOpened& e) { return "opened" + n(e.session); },
           [&](const SessionClosed& e) { return "closed" + n(e.session); },
           [&](const Linked& e) {
             return "linked" + n(e.session) + n(e.connection) + (e.reattached ? " again" : "");
           },
           [&](const Unlinked& e) { return "unlinked" + n(e.session) + n(e.connection); },
           [&](const Detached& e) {
             return "detached" + n(e.session) + " " + std::string(name_of(e.reason));
           },
           [&](const Touched& e) { return "touched" + n(e.session) + (e.woke ? " woke" : ""); },
           [&](const TurnedAway& e) { return "away" + n(e.session); },
           [&](const Seen& e) { return "seen" + n(static_cast<std::uint64_t>(e.at / kSec)); },
           [&](const Overridden& e) {
             return "overridden" + n(static_cast<std::uint64_t>(e.before)) +
                    n(static_cast<std::uint64_t>(e.manual)) + (e.do_not_disturb ? " dnd" : "") +
                    n(static_cast<std::uint64_t>(e.until)) + n(e.status);
           },
           [&](const MemberIn& e) { return "in" + n(e.channel); },
           [&](const MemberOut& e) { return "out" + n(e.channel); }},
      effect.what);
  return "#" + std::to_string(effect.user) + " " + what;
}

/// Users 1 and 2 are enrolled by events 1 and 2; each event comes a second after the other.
struct World {
  State state;
  World() {
    put(Kind::UserEnrolled, 1);
    put(Kind::UserEnrolled, 2);
  }
  template <class Fields = NoFields>
  Texts put(Kind kind, UserNumber user, Cause cause = Cause::None, Seq session = 0,
            const Fields& fields = {}, std::uint16_t flags = 0) {
    Header h;
    h.kind = kind;
    h.cause = cause;
    h.user = user;
    h.session = session;
    h.flags = flags;
    h.seq = state.seq + 1;
    h.at = static_cast<Micros>(h.seq) * kSec;
    write_fields(h, fields);
    std::vector<Transition> transitions;
    Effects effects;
    apply(state, h, transitions, &effects);
    Texts out;
    for (const Effect& effect : effects.list) {
      CHECK(effect.seq == h.seq);
      CHECK(effect.at == h.at);
      out.push_back(text(effect));
    }
    return out;
  }
  Texts login(UserNumber user) { return put(Kind::Login, user, Cause::Login); }
  Texts link(Seq session, std::uint64_t connection) {
    return put(Kind::LinkUp, 1, Cause::None, session, LinkFields{connection, kNode});
  }
  Texts unlink(Seq session, std::uint64_t connection) {
    return put(Kind::LinkDown, 1, Cause::Abort, session, LinkFields{connection, kNode});
  }
};

/// Any header at all, of a dozen users and few nodes, channels and connections.
Header any_header(std::mt19937_64& rng, const State& state) {
  Header h;
  const auto below = [&](std::uint64_t n) { return rng() % n; };
  h.kind = static_cast<Kind>(below(below(4) == 0 ? 40 : 14));
  h.cause = static_cast<Cause>(below(30));
  h.flags = static_cast<std::uint16_t>(below(16));
  h.user = static_cast<UserNumber>(below(std::min<std::uint64_t>(state.users.size() + 2, 14)));
  h.seq = state.seq + 1;
  h.at = state.at + static_cast<Micros>(below(100));
  const auto& sessions =
      h.user < state.users.size() ? state.users[h.user].sessions : state.users[0].sessions;
  if (!sessions.empty() && below(8) != 0)
    h.session = sessions[below(sessions.size())];
  else if (below(2) == 0)
    h.session = below(state.seq + 2);
  with_fields(h, [&](const auto& fields) {  // those that the kind has, with small numbers
    auto drawn = fields;
    std::remove_cvref_t<decltype(drawn)>::each(drawn, [&](char, std::string_view, auto& member) {
      member = static_cast<std::remove_reference_t<decltype(member)>>(below(4));
    });
    write_fields(h, drawn);
  });
  // Forgetting is for ever: seldom, so that histories go on.
  if (h.kind == Kind::UserErased && below(20) != 0) h.kind = Kind::AliveMark;
  return h;
}

}  // namespace

TEST_CASE("every kind of event says what it did", "[engine]") {
  World w;
  SECTION("a name and a number") { CHECK(w.put(Kind::UserEnrolled, 3) == Texts{"#3 known"}); }
  SECTION("sessions") {
    CHECK(w.login(1) == Texts{"#1 opened 3", "#1 seen 3"});
    CHECK(w.put(Kind::Activity, 1, Cause::None, 3) == Texts{"#1 touched 3", "#1 seen 4"});
    ActivityFields late;
    late.active_until = 4 * kSec + kSec / 2;
    CHECK(w.put(Kind::Activity, 1, Cause::None, 3, late) == Texts{"#1 touched 3", "#1 seen 4"});
    CHECK(w.put(Kind::Inactivity, 1, Cause::ClientHint, 3) == Texts{"#1 away 3"});
    CHECK(w.put(Kind::Activity, 1) == Texts{"#1 touched 3 woke", "#1 seen 7"});
    CHECK(w.login(1) == Texts{"#1 opened 8", "#1 seen 8"});
    CHECK(w.put(Kind::Logout, 1, Cause::Revoked) == Texts{"#1 closed 3", "#1 closed 8"});
    CHECK(w.login(1) == Texts{"#1 opened 10", "#1 seen 10"});
    CHECK(w.put(Kind::Logout, 1, Cause::Logout, 10) == Texts{"#1 closed 10", "#1 seen 11"});
  }
  SECTION("links") {
    w.login(1);
    CHECK(w.link(3, 7) == Texts{"#1 linked 3 7"});
    CHECK(w.link(3, 8) == Texts{"#1 linked 3 8"});
    CHECK(w.unlink(3, 7) == Texts{"#1 unlinked 3 7"});
    CHECK(w.unlink(3, 8) == Texts{"#1 unlinked 3 8", "#1 detached 3 abort"});
    CHECK(w.link(3, 9) == Texts{"#1 linked 3 9 again"});
    CHECK(w.put(Kind::NodeDown, 0, Cause::Restart, 0, NodeFields{kNode, 0}) ==
          Texts{"#1 unlinked 3 9", "#1 detached 3 crash"});
    LogoutFields basis;
    basis.basis = w.state.sessions.at(3).det_rev;
    CHECK(w.put(Kind::Logout, 1, Cause::GraceExpired, 3, basis) == Texts{"#1 closed 3"});
  }
  SECTION("status") {
    CHECK(w.put(Kind::StatusSet, 1, Cause::User, 0, StatusFields{77}, 2 | flag::kDoNotDisturb) ==
          Texts{"#1 overridden 0 2 dnd 77 3"});
    CHECK(w.put(Kind::StatusCleared, 1, Cause::User) == Texts{"#1 overridden 2 0 0 0"});
  }
  SECTION("channels: the first connection in, the last out, on whatever node") {
    constexpr std::uint64_t kOther = (2ULL << 32) | 1;
    CHECK(w.put(Kind::Joined, 1, Cause::None, 0, MemberFields{5, kNode}) == Texts{"#1 in 5"});
    CHECK(w.put(Kind::Joined, 1, Cause::None, 0, MemberFields{5, kNode}) == Texts{});
    CHECK(w.put(Kind::Joined, 1, Cause::None, 0, MemberFields{5, kOther}) == Texts{});
    CHECK(w.put(Kind::Joined, 2, Cause::None, 0, MemberFields{5, kNode}) == Texts{"#2 in 5"});
    CHECK(w.put(Kind::Left, 1, Cause::None, 0, MemberFields{5, kNode}) == Texts{});
    CHECK(w.put(Kind::Left, 1, Cause::None, 0, MemberFields{5, kNode}) == Texts{});
    CHECK(w.put(Kind::NodeUp, 0, Cause::None, 0, NodeFields{kNode + 1, 0}) == Texts{"#2 out 5"});
    CHECK(w.put(Kind::Left, 1, Cause::None, 0, MemberFields{5, kOther}) == Texts{"#1 out 5"});
  }
  SECTION("forgetting, and what it ends") {
    w.login(1);
    w.login(1);
    w.put(Kind::Joined, 1, Cause::None, 0, MemberFields{5, kNode});
    w.put(Kind::Joined, 1, Cause::None, 0, MemberFields{6, kNode});
    CHECK(w.put(Kind::UserErased, 1, Cause::Erased) ==
          Texts{"#1 forgotten", "#1 closed 3", "#1 closed 4", "#1 out 5", "#1 out 6"});
  }
  SECTION("what does not count did nothing") {
    w.login(1);
    CHECK(w.put(Kind::Logout, 1, Cause::Logout, 9).empty());
    CHECK(w.put(Kind::Logout, 2, Cause::Logout, 3).empty());
    CHECK(w.put(Kind::Logout, 1, Cause::TtlExpired, 3, LogoutFields{9}).empty());
    CHECK(w.put(Kind::Activity, 2, Cause::None, 3).empty());
    CHECK(w.put(Kind::Activity, 2).empty());  // logged, without a session
    CHECK(w.put(Kind::Inactivity, 1, Cause::IdleTimeout, 3, IdleFields{9}).empty());
    CHECK(w.put(Kind::StatusCleared, 1, Cause::Expired, 0, ClearedFields{9}).empty());
    CHECK(w.unlink(3, 1).empty());
    CHECK(w.put(Kind::Left, 1, Cause::None, 0, MemberFields{5, kNode}).empty());
    CHECK(w.put(Kind::Login, 99, Cause::Login).empty());
  }
  SECTION("facts that are for people alone, and those of time") {
    w.login(1);
    for (const Kind kind :
         {Kind::PolicySet, Kind::ActionNamed, Kind::ChannelNamed, Kind::StateDigest,
          Kind::AliveMark, Kind::ClockStep, Kind::EraseRequested, Kind::HoldSet, Kind::HoldReleased,
          Kind::HistoryRead, Kind::RetentionApplied, Kind::ImportBegan, Kind::ImportEnded,
          Kind::LogContinued})
      CHECK(w.put(kind, 0).empty());
  }
}

TEST_CASE("only the effects that are wanted are gathered", "[engine]") {
  State state;
  std::vector<Transition> transitions;
  auto effects = Effects::only<Seen, MemberIn>();
  Header h;
  h.kind = Kind::UserEnrolled;
  h.user = 1;
  h.seq = 1;
  apply(state, h, transitions, &effects);
  h.kind = Kind::Login;
  h.seq = 2;
  h.at = 2 * kSec;
  apply(state, h, transitions, &effects);
  REQUIRE(effects.list.size() == 1);
  CHECK(text(effects.list.front()) == "#1 seen 2");
}

TEST_CASE("after any headers, whoever follows effects has the state", "[engine][property]") {
  const std::uint64_t seed = rollcall::test::test_seed();
  INFO("reproduce with ROLLCALL_SEED=" << seed);
  std::mt19937_64 rng{seed};
  for (int round = 0; round < 40; ++round) {
    State state, without;
    Members members;
    rollcall::test::Mirror mirror;
    for (int i = 0; i < 1500; ++i) {
      const Header h = any_header(rng, state);
      std::vector<Transition> transitions, ignored;
      Effects effects, of_members;
      const Outcome outcome = apply(state, h, transitions, &effects);
      INFO("seq " << h.seq << ", " << name_of(h.kind) << " of user " << h.user);
      if (outcome != Outcome::Applied) REQUIRE(effects.list.empty());
      mirror.follow(effects, transitions);
      REQUIRE(mirror.difference(state) == "");
      // The same without asking for any, and attendance folded alone.
      REQUIRE(apply(without, h, ignored) == outcome);
      REQUIRE(ignored == transitions);
      members.apply(h, of_members);
      Texts all, alone;
      for (const Effect& effect : effects.list)
        if (std::holds_alternative<MemberIn>(effect.what) ||
            std::holds_alternative<MemberOut>(effect.what) ||
            std::holds_alternative<UserForgotten>(effect.what))
          all.push_back(text(effect));
      for (const Effect& effect : of_members.list) alone.push_back(text(effect));
      REQUIRE(alone == all);
    }
  }
}
