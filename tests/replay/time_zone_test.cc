// Local days and hours against what the C library makes of the same database, and where clocks
// change.
#include "replay/time_zone.h"

#include "replay/time_text.h"
#include "tests/support/results.h"
#include "tests/support/stores.h"

#include <catch2/catch.hpp>

#include <array>
#include <cstdlib>
#include <ctime>
#include <random>

using namespace rollcall;
using namespace rollcall::replay;
using engine::Micros;
using test::below;
using test::kSecond;

namespace {

constexpr Micros kHour = 3600 * kSecond;

Micros at(std::string_view text) { return parse_rfc3339(text).value(); }
TimeZone zone(std::string_view name) { return TimeZone::named(name).value(); }

/// The C library's local time; UTC again at the end.
class LibcZone {
 public:
  explicit LibcZone(const std::string& name) { set(name); }
  ~LibcZone() { set("UTC0"); }
  LibcZone(const LibcZone&) = delete;
  LibcZone& operator=(const LibcZone&) = delete;
  [[nodiscard]] static std::string text(Micros moment) {
    const std::time_t seconds = moment / kSecond - (moment % kSecond < 0 ? 1 : 0);
    std::tm local{};
    (void)::localtime_r(&seconds, &local);
    std::array<char, 32> out{};
    (void)std::strftime(out.data(), out.size(), "%Y-%m-%d %H:%M:%S", &local);
    return out.data();
  }

 private:
  static void set(const std::string& name) {
    (void)::setenv("TZ", name.c_str(), 1);
    ::tzset();
  }
};

const std::vector<std::string> kZones{"UTC",
                                      "Europe/Berlin",
                                      "America/New_York",
                                      "Asia/Kolkata",
                                      "Asia/Kathmandu",
                                      "Pacific/Chatham",
                                      "Australia/Lord_Howe",
                                      "America/Sao_Paulo",
                                      "Pacific/Apia",
                                      "America/St_Johns",
                                      "Africa/Casablanca",
                                      "America/Havana"};

}  // namespace

TEST_CASE("a day is as long as its clocks make it, and begins when they say so", "[replay]") {
  struct Case {
    const char* zone;
    const char* at;
    const char* day;
    const char* from;
    const char* to;
  };
  const std::vector<Case> cases{
      {"UTC", "2026-01-14T12:00:00Z", "2026-01-14", "2026-01-14T00:00:00Z", "2026-01-15T00:00:00Z"},
      // Noon, midnight and the year's end.
      {"Asia/Kolkata", "2026-01-14T12:00:00Z", "2026-01-14", "2026-01-13T18:30:00Z",
       "2026-01-14T18:30:00Z"},
      {"Asia/Kolkata", "2026-01-14T18:30:00Z", "2026-01-15", "2026-01-14T18:30:00Z",
       "2026-01-15T18:30:00Z"},
      {"Europe/Berlin", "2025-12-31T22:59:59.999999Z", "2025-12-31", "2025-12-30T23:00:00Z",
       "2025-12-31T23:00:00Z"},
      {"Pacific/Chatham", "2025-12-31T10:15:00Z", "2026-01-01", "2025-12-31T10:15:00Z",
       "2026-01-01T10:15:00Z"},
      // Both changes of offset: 23 hours and 25.
      {"Europe/Berlin", "2026-03-29T12:00:00Z", "2026-03-29", "2026-03-28T23:00:00Z",
       "2026-03-29T22:00:00Z"},
      {"Europe/Berlin", "2026-10-25T00:30:00Z", "2026-10-25", "2026-10-24T22:00:00Z",
       "2026-10-25T23:00:00Z"},
      {"Pacific/Chatham", "2026-04-04T12:00:00Z", "2026-04-05", "2026-04-04T10:15:00Z",
       "2026-04-05T11:15:00Z"},
      {"Pacific/Chatham", "2026-09-26T12:00:00Z", "2026-09-27", "2026-09-26T11:15:00Z",
       "2026-09-27T10:15:00Z"},
      // Half an hour more, and a midnight that the clocks leap over.
      {"Australia/Lord_Howe", "2026-04-05T00:00:00Z", "2026-04-05", "2026-04-04T13:00:00Z",
       "2026-04-05T13:30:00Z"},
      {"America/Sao_Paulo", "2018-11-04T12:00:00Z", "2018-11-04", "2018-11-04T03:00:00Z",
       "2018-11-05T02:00:00Z"},
  };
  for (const auto& c : cases) {
    INFO(c.zone << " " << c.at);
    const Stretch day = day_at(zone(c.zone), at(c.at));
    CHECK(date_text(day.number) == c.day);
    CHECK(rfc3339(day.from) == rfc3339(at(c.from)));
    CHECK(rfc3339(day.to) == rfc3339(at(c.to)));
    CHECK(day.holds(at(c.at)));
  }
}

TEST_CASE("a day that a place left out is no day, and one that comes twice is two stretches",
          "[replay]") {
  const TimeZone apia = zone("Pacific/Apia");
  const Stretch before = day_at(apia, at("2011-12-30T09:00:00Z"));
  CHECK(date_text(before.number) == "2011-12-29");
  CHECK(rfc3339(before.to) == "2011-12-30T10:00:00.000000Z");
  CHECK(date_text(day_at(apia, before.to).number) == "2011-12-31");
  const TimeZone johns = zone("America/St_Johns");  // at 00:01 it was 23:01 again
  Stretch day = day_at(johns, at("2006-10-29T02:30:30Z"));
  CHECK(date_text(day.number) == "2006-10-29");
  CHECK(day.to - day.from == 60 * kSecond);
  day = day_at(johns, day.to);
  CHECK(date_text(day.number) == "2006-10-28");
  CHECK(day.to - day.from == 59 * 60 * kSecond);
  CHECK(date_text(day_at(johns, day.to).number) == "2006-10-29");
}

TEST_CASE("local times are those of the C library, at any moment", "[replay][property]") {
  const std::uint64_t seed = test::test_seed();
  INFO("reproduce with ROLLCALL_SEED=" << seed);
  std::mt19937_64 rng{seed};
  const Micros begin = at("1971-01-01T00:00:00Z"), end = at("2037-01-01T00:00:00Z");
  for (const auto& name : kZones) {
    INFO(name);
    const LibcZone libc(name);
    const TimeZone own = zone(name);
    for (int i = 0; i < 400; ++i) {
      Micros moment =
          begin + static_cast<Micros>(below(rng, static_cast<std::uint64_t>(end - begin)));
      if (below(rng, 2) == 0) {  // around the next change of the clocks
        const auto offset = own.offset_at(moment);
        if (offset.to < end) moment = offset.to + static_cast<Micros>(below(rng, 5)) - 2;
      }
      INFO(rfc3339(moment));
      REQUIRE(short_time(moment, own) == LibcZone::text(moment));
      const Stretch day = day_at(own, moment), hour = hour_at(own, moment);
      REQUIRE(day.holds(moment));
      REQUIRE(hour.holds(moment));
      for (const Micros inside : {day.from, day.to - 1})
        REQUIRE(LibcZone::text(inside).substr(0, 10) == date_text(day.number));
      REQUIRE(LibcZone::text(day.from - 1).substr(0, 10) != date_text(day.number));
      REQUIRE(LibcZone::text(day.to).substr(0, 10) != date_text(day.number));
      REQUIRE(LibcZone::text(hour.to - 1).substr(0, 13) == LibcZone::text(hour.from).substr(0, 13));
      REQUIRE(hour.to - hour.from <= kHour);
      // What the clock shows leads back to that time, or to when it first showed it.
      const Micros back = own.moment_of(own.local(moment));
      REQUIRE(own.local(back) == own.local(moment));
      REQUIRE((back == moment || (back < moment && moment - back <= 26 * kHour)));
    }
  }
}

TEST_CASE("a time that clocks leap over is the leap, and one that comes twice the first",
          "[replay]") {
  const TimeZone berlin = zone("Europe/Berlin");
  const auto moment = [&](std::string_view local) { return rfc3339(berlin.moment_of(at(local))); };
  CHECK(moment("2026-03-29T02:30:00Z") == "2026-03-29T01:00:00.000000Z");
  CHECK(moment("2026-03-29T03:00:00Z") == "2026-03-29T01:00:00.000000Z");
  CHECK(moment("2026-10-25T02:30:00Z") == "2026-10-25T00:30:00.000000Z");
  CHECK(moment("2026-10-25T03:00:00Z") == "2026-10-25T02:00:00.000000Z");
}

TEST_CASE("words of time are those of a zone's own days", "[replay]") {
  const TimeZone berlin = zone("Europe/Berlin");
  const Micros now = at("2026-03-29T22:30:00Z");  // half past midnight of the 30th, a Monday
  const auto read = [&](std::string_view text) {
    return rfc3339(std::get<Micros>(parse_time(text, now, berlin).value()));
  };
  CHECK(read("today") == "2026-03-29T22:00:00.000000Z");
  CHECK(read("yesterday") == "2026-03-28T23:00:00.000000Z");
  CHECK(read("yesterday 10:00") == "2026-03-29T08:00:00.000000Z");
  CHECK(read("tomorrow") == "2026-03-30T22:00:00.000000Z");
  CHECK(read("this-week") == "2026-03-29T22:00:00.000000Z");
  CHECK(read("this-month") == "2026-02-28T23:00:00.000000Z");
  CHECK(read("2026-01-14 10:00") == "2026-01-14T09:00:00.000000Z");
  CHECK(read("2026-01-14 10:00 UTC") == "2026-01-14T10:00:00.000000Z");
  CHECK(read("2026-01-14T10:00:00+05:30") == "2026-01-14T04:30:00.000000Z");
  CHECK(read("-24h") == "2026-03-28T22:30:00.000000Z");
  CHECK(read("@0") == "1970-01-01T00:00:00.000000Z");
}

TEST_CASE("what is no zone is refused by its name", "[replay]") {
  for (const std::string_view wrong : {"", "Europe/Berln", "../../etc/passwd", "/etc/localtime",
                                       "europe/berlin", "Europe", "x\n", "+02:00"}) {
    INFO(wrong);
    const auto refused = TimeZone::named(wrong);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == store::Errc::BadInput);
    CHECK(refused.error().detail.find("'" + std::string(wrong) + "'") != std::string::npos);
  }
  const auto berlin = zone("Europe/Berlin");
  for (const Micros extreme : {std::numeric_limits<Micros>::min(), Micros{-1}, Micros{0},
                               std::numeric_limits<Micros>::max()}) {
    (void)day_at(berlin, extreme);  // a header may hold any number
    (void)hour_at(berlin, extreme);
    (void)berlin.moment_of(extreme);
    (void)short_time(extreme, berlin);
  }
}
