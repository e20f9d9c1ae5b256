// Parsing and printing of moments and spans.
#include "replay/time_text.h"

#include "replay/time_zone.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <chrono>
#include <optional>

namespace rollcall::replay {
namespace {

using engine::Micros;
using store::Errc;
using store::Error;
using store::Result;
using namespace std::chrono;

constexpr Micros kSecond = 1'000'000;
constexpr Micros kSpanMax = 100'000'000'000 * kSecond;  ///< 3,000 years: sums stay far from the end
constexpr Micros kDay = 86'400 * kSecond;

Micros floor_day(Micros t) { return t - ((t % kDay) + kDay) % kDay; }

/// Reads exactly `width` digits (or at least one where width is 0).
std::optional<int> digits(std::string_view& text, std::size_t width) {
  std::size_t n = 0;
  int value = 0;
  while (n < text.size() && n < (width == 0 ? 6 : width) &&
         std::isdigit(static_cast<unsigned char>(text[n])) != 0) {
    value = value * 10 + (text[n++] - '0');
  }
  if (n == 0 || (width != 0 && n != width)) return std::nullopt;
  text.remove_prefix(n);
  return value;
}

bool eat(std::string_view& text, char c) {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

std::optional<Micros> date(std::string_view& text) {
  std::string_view t = text;
  const auto y = digits(t, 4);
  if (!y || !eat(t, '-')) return std::nullopt;
  const auto m = digits(t, 2);
  if (!m || !eat(t, '-')) return std::nullopt;
  const auto d = digits(t, 2);
  if (!d) return std::nullopt;
  const year_month_day ymd{year{*y}, month{static_cast<unsigned>(*m)},
                           day{static_cast<unsigned>(*d)}};
  if (!ymd.ok()) return std::nullopt;
  text = t;
  return duration_cast<microseconds>(sys_days{ymd}.time_since_epoch()).count();
}

std::optional<Micros> clock_time(std::string_view& text) {
  std::string_view t = text;
  const auto h = digits(t, 2);
  if (!h || !eat(t, ':')) return std::nullopt;
  const auto m = digits(t, 2);
  if (!m || *h > 23 || *m > 59) return std::nullopt;
  Micros out = (*h * 3600 + *m * 60) * kSecond;
  if (eat(t, ':')) {
    const auto s = digits(t, 2);
    if (!s || *s > 60) return std::nullopt;
    out += *s * kSecond;
    if (eat(t, '.')) {
      Micros unit = kSecond / 10;
      bool any = false;
      while (!t.empty() && std::isdigit(static_cast<unsigned char>(t.front())) != 0) {
        out += (t.front() - '0') * unit;
        unit /= 10;
        t.remove_prefix(1);
        any = true;
      }
      if (!any) return std::nullopt;
    }
  }
  text = t;
  return out;
}

/// Z, UTC, +02:00 or nothing; the offset to subtract.
std::optional<Micros> offset_in(std::string_view& text) {
  while (eat(text, ' ')) {
  }
  if (text.empty()) return 0;
  if (text == "Z" || text == "z" || text == "UTC") {
    text = {};
    return 0;
  }
  const bool minus = text.front() == '-';
  if (!minus && text.front() != '+') return std::nullopt;
  text.remove_prefix(1);
  const auto h = digits(text, 2);
  eat(text, ':');
  const auto m = h && !text.empty() ? digits(text, 2) : std::optional<int>(0);
  if (!h || !m || *h > 14 || *m > 59) return std::nullopt;
  const Micros offset = (*h * 3600 + *m * 60) * kSecond;
  return minus ? -offset : offset;
}

std::string trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return std::string(text);
}

struct Unit {
  std::string_view name;
  Micros size;
};
// systemd.time(7): a month is 30.44 days, a year 365.25.
constexpr std::array kUnits{Unit{"usec", 1},
                            Unit{"us", 1},
                            Unit{"msec", 1000},
                            Unit{"ms", 1000},
                            Unit{"seconds", kSecond},
                            Unit{"second", kSecond},
                            Unit{"sec", kSecond},
                            Unit{"s", kSecond},
                            Unit{"minutes", 60 * kSecond},
                            Unit{"minute", 60 * kSecond},
                            Unit{"min", 60 * kSecond},
                            Unit{"m", 60 * kSecond},
                            Unit{"hours", 3600 * kSecond},
                            Unit{"hour", 3600 * kSecond},
                            Unit{"hr", 3600 * kSecond},
                            Unit{"h", 3600 * kSecond},
                            Unit{"days", kDay},
                            Unit{"day", kDay},
                            Unit{"d", kDay},
                            Unit{"weeks", 7 * kDay},
                            Unit{"week", 7 * kDay},
                            Unit{"w", 7 * kDay},
                            Unit{"months", 2'629'800 * kSecond},
                            Unit{"month", 2'629'800 * kSecond},
                            Unit{"M", 2'629'800 * kSecond},
                            Unit{"years", 31'557'600 * kSecond},
                            Unit{"year", 31'557'600 * kSecond},
                            Unit{"y", 31'557'600 * kSecond}};

Error bad_time(std::string_view text) {
  return {Errc::BadInput,
          fmt::format(
              "'{}' is no time: try today, \"yesterday 10:00\", -2h, 2026-01-14T10:00:00Z or seq:N",
              text)};
}

}  // namespace

std::string rfc3339(Micros at) {
  // Of any number that a header may hold: its first day begins before what microseconds can count.
  const Micros rest = at % kDay + (at % kDay < 0 ? kDay : 0);
  const Micros day = at / kDay - (at % kDay < 0 ? 1 : 0);
  const year_month_day ymd{sys_days{days{day}}};
  const hh_mm_ss<microseconds> hms{microseconds{rest}};
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z", static_cast<int>(ymd.year()),
                     static_cast<unsigned>(ymd.month()), static_cast<unsigned>(ymd.day()),
                     hms.hours().count(), hms.minutes().count(), hms.seconds().count(),
                     hms.subseconds().count());
}

std::string short_time(Micros at) {
  std::string out = rfc3339(at).substr(0, 19);
  out[10] = ' ';
  return out;
}

std::string short_time(Micros at, const TimeZone& zone) { return short_time(zone.local(at)); }

std::string date_text(std::int64_t day) {
  constexpr std::int64_t kDays = 100'000'000;  // what microseconds can count
  return rfc3339(std::clamp(day, -kDays, kDays) * kDay).substr(0, 10);
}

std::string short_duration(Micros span) {
  const auto s = span / kSecond;
  if (s >= 86'400) return fmt::format("{}d{:02}h", s / 86'400, s % 86'400 / 3600);
  if (s >= 3600) return fmt::format("{}h{:02}m", s / 3600, s % 3600 / 60);
  if (s >= 60) return fmt::format("{}m{:02}s", s / 60, s % 60);
  return fmt::format("{}s", s);
}

Result<Micros> parse_rfc3339(std::string_view text) {
  std::string_view t = text;
  const auto day = date(t);
  if (!day || (!eat(t, 'T') && !eat(t, 't') && !eat(t, ' ')))
    return Error{Errc::BadInput, fmt::format("'{}' is no RFC 3339 time", text)};
  const auto time = clock_time(t);
  const auto offset = time && !t.empty() ? offset_in(t) : std::nullopt;
  if (!offset || !t.empty())
    return Error{Errc::BadInput, fmt::format("'{}' is no RFC 3339 time", text)};
  return *day + *time - *offset;
}

Result<Micros> parse_duration(std::string_view text) {
  std::string_view t = text;
  Micros total = 0;
  bool any = false;
  while (!t.empty()) {
    while (eat(t, ' ')) {
    }
    if (t.empty()) break;
    std::uint64_t number = 0;
    const auto [end, ec] = std::from_chars(t.data(), t.data() + t.size(), number);
    if (ec != std::errc{} || number > 1'000'000'000) return bad_time(text);
    t.remove_prefix(static_cast<std::size_t>(end - t.data()));
    while (eat(t, ' ')) {
    }
    std::size_t n = 0;
    while (n < t.size() && std::isalpha(static_cast<unsigned char>(t[n])) != 0) ++n;
    Micros unit = kSecond;
    if (n > 0) {
      unit = 0;
      for (const Unit& u : kUnits) {
        if (u.name == t.substr(0, n)) unit = u.size;
      }
      if (unit == 0) return bad_time(text);
      t.remove_prefix(n);
    }
    if (static_cast<Micros>(number) > kSpanMax / unit) return bad_time(text);
    total += static_cast<Micros>(number) * unit;
    if (total > kSpanMax) return bad_time(text);
    any = true;
  }
  if (!any) return bad_time(text);
  return total;
}

Result<TimeSpec> parse_time(std::string_view text, Micros now) {
  return parse_time(text, now, TimeZone());
}

Result<TimeSpec> parse_time(std::string_view raw, Micros now, const TimeZone& zone) {
  const std::string text = trimmed(raw);
  std::string_view t = text;
  if (t.starts_with("seq:")) {
    std::uint64_t seq = 0;
    const auto [end, ec] = std::from_chars(t.data() + 4, t.data() + t.size(), seq);
    if (ec != std::errc{} || end != t.data() + t.size()) return bad_time(raw);
    return TimeSpec{engine::Seq{seq}};
  }
  if (t == "now") return TimeSpec{now};
  if (t == "recent") return TimeSpec{now - 600 * kSecond};
  const Micros today = floor_day(zone.local(now));
  const auto local = [&](Micros on_the_wall) { return TimeSpec{zone.moment_of(on_the_wall)}; };
  if (t == "this-week") {  // Monday; 1970-01-01 was a Thursday
    return local(today - ((today / kDay + 3) % 7) * kDay);
  }
  if (t == "week-ago") return local(today - 7 * kDay);
  if (t == "this-month") {
    const year_month_day ymd{floor<days>(sys_time<microseconds>{microseconds{today}})};
    return local(
        duration_cast<microseconds>(sys_days{ymd.year() / ymd.month() / 1}.time_since_epoch())
            .count());
  }
  if (eat(t, '@')) {
    std::int64_t seconds = 0;
    const auto [end, ec] = std::from_chars(t.data(), t.data() + t.size(), seconds);
    if (ec != std::errc{} || seconds > kSpanMax / kSecond || seconds < -kSpanMax / kSecond) {
      return bad_time(raw);
    }
    t.remove_prefix(static_cast<std::size_t>(end - t.data()));
    Micros fraction = 0;
    if (eat(t, '.')) {
      Micros unit = kSecond / 10;
      for (; !t.empty() && std::isdigit(static_cast<unsigned char>(t.front())) != 0;
           t.remove_prefix(1), unit /= 10)
        fraction += (t.front() - '0') * unit;
    }
    if (!t.empty()) return bad_time(raw);
    return TimeSpec{seconds * kSecond + fraction};
  }
  if (t.ends_with(" ago")) {
    const auto span = parse_duration(t.substr(0, t.size() - 4));
    if (!span) return bad_time(raw);
    return TimeSpec{now - *span};
  }
  if (!t.empty() && (t.front() == '-' || t.front() == '+')) {
    const auto span = parse_duration(t.substr(1));
    if (!span) return bad_time(raw);
    return TimeSpec{t.front() == '-' ? now - *span : now + *span};
  }
  Micros base = today;
  bool named = true;
  if (t.starts_with("today"))
    t.remove_prefix(5);
  else if (t.starts_with("yesterday")) {
    base -= kDay;
    t.remove_prefix(9);
  } else if (t.starts_with("tomorrow")) {
    base += kDay;
    t.remove_prefix(8);
  } else if (const auto day = date(t))
    base = *day;
  else
    named = false;
  if (named && t.empty()) return local(base);
  if (named && !eat(t, ' ') && !eat(t, 'T')) return bad_time(raw);
  Micros clock = 0;
  if (const auto time = clock_time(t))
    clock = *time;
  else if (!named)
    return bad_time(raw);
  if (t.find_first_not_of(' ') == std::string_view::npos) return local(base + clock);
  const auto offset = offset_in(t);
  if (!offset || !t.empty()) return bad_time(raw);
  return TimeSpec{base + clock - *offset};
}

}  // namespace rollcall::replay
