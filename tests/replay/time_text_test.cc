// Moments as typed, with systemd's own parser as the oracle where it is there.
#include "replay/time_text.h"

#include "tests/support/results.h"

#include <catch2/catch.hpp>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <limits>

using namespace rollcall;
using namespace rollcall::replay;

namespace {

constexpr engine::Micros kNow = 1'768'471'200'123'456;  // 2026-01-15T10:00:00.123456Z, a Thursday

engine::Micros at(const std::string& text) {
  return std::get<engine::Micros>(parse_time(text, kNow).value());
}

}  // namespace

TEST_CASE("any number that a header may hold is written as a time", "[replay]") {
  CHECK(rfc3339(0) == "1970-01-01T00:00:00.000000Z");
  CHECK(rfc3339(-1) == "1969-12-31T23:59:59.999999Z");
  CHECK(rfc3339(-86'400'000'000) == "1969-12-31T00:00:00.000000Z");
  // 2^63 microseconds are 106,751,991 days, 4 h 0 min 54.775808 s.
  CHECK(rfc3339(std::numeric_limits<engine::Micros>::max()).substr(6) == "01-10T04:00:54.775807Z");
  CHECK(rfc3339(std::numeric_limits<engine::Micros>::min()).ends_with("T19:59:05.224192Z"));
}

TEST_CASE("moments are what people mean by them", "[replay]") {
  CHECK(rfc3339(kNow) == "2026-01-15T10:00:00.123456Z");
  CHECK(at("now") == kNow);
  CHECK(rfc3339(at("today")) == "2026-01-15T00:00:00.000000Z");
  CHECK(rfc3339(at("yesterday 10:00")) == "2026-01-14T10:00:00.000000Z");
  CHECK(rfc3339(at("tomorrow")) == "2026-01-16T00:00:00.000000Z");
  CHECK(rfc3339(at("-2h")) == "2026-01-15T08:00:00.123456Z");
  CHECK(rfc3339(at("+3h30min")) == "2026-01-15T13:30:00.123456Z");
  CHECK(rfc3339(at("2 hours ago")) == "2026-01-15T08:00:00.123456Z");
  CHECK(rfc3339(at("@1768471200")) == "2026-01-15T10:00:00.000000Z");
  CHECK(rfc3339(at("2026-01-14")) == "2026-01-14T00:00:00.000000Z");
  CHECK(rfc3339(at("2026-01-14 08:57:12.004113")) == "2026-01-14T08:57:12.004113Z");
  CHECK(rfc3339(at("2026-01-14T08:57:12+02:00")) == "2026-01-14T06:57:12.000000Z");
  CHECK(rfc3339(at("08:30")) == "2026-01-15T08:30:00.000000Z");
  CHECK(rfc3339(at("recent")) == "2026-01-15T09:50:00.123456Z");
  CHECK(rfc3339(at("this-week")) == "2026-01-12T00:00:00.000000Z");
  CHECK(rfc3339(at("week-ago")) == "2026-01-08T00:00:00.000000Z");
  CHECK(rfc3339(at("this-month")) == "2026-01-01T00:00:00.000000Z");
  CHECK(std::get<engine::Seq>(parse_time("seq:42", kNow).value()) == 42);
  CHECK(rfc3339(-1) == "1969-12-31T23:59:59.999999Z");
}

TEST_CASE("what is no moment is refused", "[replay]") {
  for (const char* bad : {"", "noon", "2026-13-01", "2026-02-30", "25:00", "10:61", "seq:", "seq:x",
                          "-", "+2 fortnights", "2026-01-14X", "yesterdayish", "@", "@1.x"}) {
    INFO(bad);
    CHECK_FALSE(parse_time(bad, kNow));
  }
  for (const char* bad : {"2026-01-14", "2026-01-14T10:00:00", "2026-01-14T10:00Zx", "x"}) {
    INFO(bad);
    CHECK_FALSE(parse_rfc3339(bad));
  }
}

TEST_CASE("systemd reads the same moments", "[replay]") {
  if (std::system("command -v systemd-analyze > /dev/null 2>&1") != 0) {
    WARN("skipped: systemd-analyze is not on this machine");
    return;
  }
  for (const char* text : {"2026-01-14 08:57:12", "2026-01-14", "2026-01-14 08:57", "@1768471200",
                           "2026-01-14 08:57:12 UTC"}) {
    const std::string command =
        "TZ=UTC systemd-analyze timestamp '" + std::string(text) + "' 2>/dev/null";
    std::FILE* pipe = popen(command.c_str(), "r");
    REQUIRE(pipe != nullptr);
    std::string out;
    std::array<char, 256> buffer;
    while (std::fgets(buffer.data(), buffer.size(), pipe) != nullptr) out += buffer.data();
    pclose(pipe);
    const auto place = out.find("UNIX seconds: @");
    REQUIRE(place != std::string::npos);
    INFO(text);
    CHECK(at(text) / 1'000'000 == std::strtoll(out.c_str() + place + 15, nullptr, 10));
  }
}
