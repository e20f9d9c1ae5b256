// The clock of events: what a wall that is set, or a machine that slept, makes of it.
#include "store/log/event_clock.h"

#include "tests/support/scratch.h"
#include "tests/support/stores.h"

#include <catch2/catch.hpp>

using namespace rollcall;
using engine::Micros;
using store::EventClock;
using test::kSecond;
using test::kStart;

namespace {
constexpr Micros kMinute = 60 * kSecond, kHour = 60 * kMinute, kDay = 24 * kHour;
}

TEST_CASE("a wall 3 s ahead is reached slowly and without a step", "[store]") {
  EventClock clock(kStart, 0, kStart);
  Micros at = kStart;
  for (int s = 1; s <= 60; ++s) {
    const auto r = clock.read(kStart + s * kSecond + 3 * kSecond, s * kSecond);
    CHECK_FALSE(r.step);
    CHECK(r.at >= at);
    CHECK(r.at - at <= kSecond + kSecond / 10);
    at = r.at;
  }
  CHECK(at == kStart + 63 * kSecond);
}

TEST_CASE("a wall ahead is a step at once, up to 400 days", "[store]") {
  for (const Micros ahead : {10 * kMinute, 2 * kHour, 399 * kDay}) {
    EventClock clock(kStart, 0, kStart);
    const auto r = clock.read(kStart + ahead, kSecond);
    REQUIRE(r.step);
    CHECK(*r.step == ahead - kSecond);
    CHECK(r.before == kStart + kSecond);
    CHECK(r.at == kStart + ahead);
    CHECK_FALSE(r.refused);
    CHECK_FALSE(clock.read(kStart + ahead + kSecond, 2 * kSecond).step);
  }
}

TEST_CASE("asking what time it would be loses no step", "[store]") {
  EventClock clock(kStart, 0, kStart);
  CHECK(clock.peek(kStart + kHour, kSecond).step);
  CHECK(clock.peek(kStart + kHour, kSecond).at == kStart + kHour);
  CHECK(clock.read(kStart + kHour, kSecond).step);
}

TEST_CASE("a wall two hours back is told once, and met after twenty hours", "[store]") {
  EventClock clock(kStart, 0, kStart);
  const auto first = clock.read(kStart - 2 * kHour, kSecond);
  REQUIRE(first.step);
  CHECK(*first.step == -2 * kHour - kSecond);
  CHECK(clock.ahead_of_wall() / kMinute == 120);
  Micros at = first.at;
  for (int s = 2; s < 20 * 3600; ++s) {
    const auto r = clock.read(kStart - 2 * kHour + s * kSecond, s * kSecond);
    REQUIRE_FALSE(r.step);
    REQUIRE(r.at - at == kSecond - kSecond / 10);
    at = r.at;
  }
  CHECK(clock.ahead_of_wall() < kSecond);
  const Micros later = 20 * kHour + kMinute;
  CHECK(clock.read(kStart - 2 * kHour + later, later).at == kStart - 2 * kHour + later);
  CHECK(clock.ahead_of_wall() == 0);
}

TEST_CASE("a second jump back is told as well; one forward that stays behind is none", "[store]") {
  EventClock clock(kStart, 0, kStart);
  CHECK(*clock.read(kStart - kHour, 0).step == -kHour);
  CHECK(*clock.read(kStart - 2 * kHour, 0).step == -kHour);
  const auto r = clock.read(kStart - kHour, 0);
  CHECK_FALSE(r.step);
  CHECK(r.at == kStart);
  CHECK(clock.ahead_of_wall() == kHour);
}

TEST_CASE("more than 400 days ahead nothing is written, until the wall is right again", "[store]") {
  EventClock clock(kStart, 0, kStart);
  const auto r = clock.read(kStart + 500 * kDay, kSecond);
  CHECK(r.refused);
  CHECK(r.at == kStart + kSecond);
  const auto again = clock.read(kStart + 2 * kSecond, 2 * kSecond);
  CHECK_FALSE(again.refused);
  CHECK_FALSE(again.step);
  CHECK(again.at == kStart + 2 * kSecond);
  CHECK_FALSE(store::too_far_ahead(kStart + 400 * kDay, kStart));
  CHECK(store::too_far_ahead(kStart + 400 * kDay + 1, kStart));
  CHECK_FALSE(store::too_far_ahead(kStart, 0));  // an empty log has no last event
}

TEST_CASE("at a start, a wall ahead is down time, and one behind makes time go slowly", "[store]") {
  EventClock ahead(kStart + kDay, 0, kStart);
  const auto r = ahead.read(kStart + kDay + kSecond, kSecond);
  CHECK_FALSE(r.step);
  CHECK(r.at == kStart + kDay + kSecond);
  EventClock behind(0, 0, kStart);  // the battery is empty: 1970
  const auto slow = behind.read(kSecond, kSecond);
  CHECK_FALSE(slow.step);
  CHECK_FALSE(slow.refused);
  CHECK(slow.at == kStart + kSecond - kSecond / 10);
  CHECK(behind.ahead_of_wall() == slow.at - kSecond);
}

TEST_CASE(
    "whatever the wall does, time never runs back, steps add up, and it meets a wall that rests",
    "[store][property]") {
  const std::uint64_t seed = test::test_seed();
  INFO("reproduce with ROLLCALL_SEED=" << seed);
  std::mt19937_64 rng{seed};
  for (int round = 0; round < 50; ++round) {
    EventClock clock(kStart, 0, kStart - static_cast<Micros>(test::below(rng, 9)) * kSecond);
    Micros at = 0, monotonic = 0, wall = kStart;
    for (int i = 0; i < 500; ++i) {
      // Readings in quick succession, too: a tenth of a few microseconds is none.
      const auto passed =
          static_cast<Micros>(test::below(rng, test::below(rng, 2) == 0 ? 9 : 3 * kSecond));
      monotonic += passed;
      wall += passed + static_cast<Micros>(test::below(rng, 3)) - 1;
      const auto jump = test::below(rng, 40);
      if (jump == 0) wall += static_cast<Micros>(test::below(rng, 4 * kHour)) - 2 * kHour;
      if (jump == 1) wall += static_cast<Micros>(test::below(rng, 800)) * kDay - 400 * kDay;
      if (jump == 2) wall += static_cast<Micros>(test::below(rng, 10 * kSecond)) - 5 * kSecond;
      wall = std::max<Micros>(wall, 0);
      const Micros before = at;
      const auto r = clock.read(wall, monotonic);
      REQUIRE(r.at >= before);
      at = r.at;
      if (r.refused) continue;
      REQUIRE(r.at >= wall - EventClock::kSlewed);  // never further behind than what is slewed
      if (r.step && *r.step > 0) REQUIRE(r.at == wall);
      REQUIRE(clock.ahead_of_wall() == std::max<Micros>(0, r.at - wall));
    }
    wall = at - static_cast<Micros>(test::below(rng, kHour));
    (void)clock.read(wall, monotonic);
    for (int i = 0; i < 11'000 && clock.ahead_of_wall() > 0; ++i) {
      const Micros passed = 4 * kSecond + static_cast<Micros>(test::below(rng, 7));
      wall += passed;
      monotonic += passed;
      REQUIRE_FALSE(clock.read(wall, monotonic).step);
    }
    REQUIRE(clock.ahead_of_wall() == 0);
  }
}
