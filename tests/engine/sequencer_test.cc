// Deadlines, their order, and what is superseded.
#include "engine/sequencer.h"

#include <catch2/catch.hpp>

using namespace rollcall::engine;

namespace {

constexpr Micros kSec = 1'000'000;

struct Bench {
  Sequencer sequencer{State{}};
  std::vector<Sequenced> out;
  std::vector<Transition> transitions;
  Header put(Kind kind, UserNumber user, Micros at, std::uint64_t key = 0, Seq session = 0) {
    Header h;
    h.kind = kind;
    h.user = user;
    h.session = session;
    if (kind == Kind::Login) h.a = h.b = key;
    return out[sequencer.append(h, at, out, transitions)].header;
  }
};

}  // namespace

TEST_CASE("what fell due strictly before an event is appended before it", "[engine]") {
  Bench b;
  b.put(Kind::UserEnrolled, 1, 0);
  const Seq s = b.put(Kind::Login, 1, 0).seq;
  SECTION("an activity exactly at the deadline still counts") {
    b.put(Kind::Activity, 1, 300 * kSec, 0, s);
    CHECK(b.out.back().header.kind == Kind::Activity);
    CHECK(b.out.size() == 3);
  }
  SECTION("one microsecond later it is away first") {
    b.put(Kind::Activity, 1, 300 * kSec + 1, 0, s);
    REQUIRE(b.out.size() == 4);
    CHECK(b.out[2].header.kind == Kind::Inactivity);
    CHECK(b.out[2].header.at == 300 * kSec);
    CHECK(b.out[2].header.prev == s);
    CHECK(b.out[3].header.prev == b.out[2].header.seq);
  }
  SECTION("activity moves the deadline") {
    b.put(Kind::Activity, 1, 200 * kSec, 0, s);
    b.sequencer.conclude(500 * kSec, b.out, b.transitions);
    CHECK(b.out.size() == 3);
    b.sequencer.conclude(500 * kSec + 1, b.out, b.transitions);
    CHECK(b.out.size() == 4);
  }
  SECTION("the ttl ends what never had a link") {
    b.sequencer.conclude(10'000 * kSec, b.out, b.transitions);
    REQUIRE(b.out.size() == 4);
    CHECK(b.out[3].header.kind == Kind::Logout);
    CHECK(b.out[3].header.cause == Cause::TtlExpired);
    CHECK(b.out[3].header.at == 7200 * kSec);
  }
}

TEST_CASE("conclusions come in the order of deadline, user, session, kind", "[engine]") {
  Bench b;
  b.put(Kind::UserEnrolled, 1, 0);
  b.put(Kind::UserEnrolled, 2, 0);
  b.put(Kind::Login, 2, 0, 1);
  b.put(Kind::Login, 1, 0, 2);
  b.put(Kind::Login, 1, 0, 3);
  b.out.clear();
  b.sequencer.conclude(301 * kSec, b.out, b.transitions);
  REQUIRE(b.out.size() == 3);
  CHECK(b.out[0].header.user == 1);
  CHECK(b.out[1].header.user == 1);
  CHECK(b.out[0].header.session < b.out[1].header.session);
  CHECK(b.out[2].header.user == 2);
}

TEST_CASE("C11 an eleventh session supersedes the least recently active, without a blip",
          "[engine]") {
  Bench b;
  b.put(Kind::UserEnrolled, 1, 0);
  std::vector<Seq> ids;
  for (std::uint64_t i = 1; i <= 10; ++i)
    ids.push_back(b.put(Kind::Login, 1, static_cast<Micros>(i), i).seq);
  b.put(Kind::Activity, 1, 20, 0, ids[0]);
  b.transitions.clear();
  b.put(Kind::Login, 1, 30, 11);
  CHECK(b.out.back().header.kind == Kind::Logout);
  CHECK(b.out.back().header.cause == Cause::Superseded);
  CHECK(b.out.back().header.session == ids[1]);
  CHECK(b.transitions.empty());
  CHECK(b.sequencer.state().users[1].sessions.size() == 10);
}

TEST_CASE("timers rebuilt from a state conclude the same", "[engine][property]") {
  Bench b;
  b.put(Kind::UserEnrolled, 1, 0);
  b.put(Kind::UserEnrolled, 2, 0);
  const Seq s = b.put(Kind::Login, 1, 0, 1).seq;
  b.put(Kind::Login, 2, 50 * kSec, 1);
  b.put(Kind::Activity, 1, 100 * kSec, 0, s);
  Sequencer rebuilt(b.sequencer.state());
  std::vector<Sequenced> mine, theirs;
  b.sequencer.conclude(20'000 * kSec, mine, b.transitions);
  rebuilt.conclude(20'000 * kSec, theirs, b.transitions);
  REQUIRE(mine.size() == theirs.size());
  for (std::size_t i = 0; i < mine.size(); ++i) CHECK(mine[i].header == theirs[i].header);
}
