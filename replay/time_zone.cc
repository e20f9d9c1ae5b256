// Offsets out of the system's database.
#include "replay/time_zone.h"

#include <date/tz.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <limits>

namespace rollcall::replay {
namespace {

using engine::Micros;
using store::Errc;
using store::Error;
using store::Result;

constexpr Micros kSecond = 1'000'000, kHour = 3600 * kSecond, kDay = 24 * kHour;
constexpr Micros kLeast = std::numeric_limits<Micros>::min();
constexpr Micros kMost = std::numeric_limits<Micros>::max();
/// The library's years end a little further from 1970, either way; no offset changes out there.
constexpr Micros kEra = 30'000 * 365 * kDay;

Micros floor_div(Micros a, Micros b) { return a / b - (a % b < 0 ? 1 : 0); }

Micros micros_of(date::sys_seconds at) {
  const auto s = at.time_since_epoch().count();
  return s <= kLeast / kSecond ? kLeast : s >= kMost / kSecond ? kMost : s * kSecond;
}

/// A header may hold any number: near the ends of them a day is told of the last that is whole.
Micros counted(Micros at) { return std::clamp(at, kLeast + 4 * kDay, kMost - 4 * kDay); }

/// The part of a stretch of `unit` of local time that has the offset at `at`.
Stretch part_at(const TimeZone& zone, Micros at, Micros unit) {
  const auto offset = zone.offset_at(at);
  const Micros number = floor_div(engine::saturating_add(at, offset.ahead), unit);
  const Micros begin = engine::saturating_add(number * unit, -offset.ahead);
  return {std::max(offset.from, begin), std::min(offset.to, engine::saturating_add(begin, unit)),
          number};
}

}  // namespace

Result<TimeZone> TimeZone::named(std::string_view name) {
  TimeZone out;
  if (name == "UTC" || name == "Z") return out;
  try {
    out.zone_ = date::locate_zone(name);
    // The library reads a zone's file at its first use; a broken one is found here.
    (void)static_cast<const date::time_zone*>(out.zone_)->get_info(date::sys_seconds{});
  } catch (const std::exception&) {
    return Error{Errc::BadInput,
                 fmt::format("there is no time zone '{}' in the system's database: give one as "
                             "Europe/Berlin, America/New_York or UTC",
                             name.substr(0, 64))};
  }
  out.name_ = std::string(name);
  return out;
}

TimeZone::Offset TimeZone::offset_at(Micros at) const {
  if (zone_ == nullptr) return {kLeast, kMost, 0};
  const date::sys_seconds second{
      std::chrono::seconds(floor_div(std::clamp(at, -kEra, kEra), kSecond))};
  const auto info = static_cast<const date::time_zone*>(zone_)->get_info(second);
  const Micros from = micros_of(info.begin), to = micros_of(info.end);
  return {from < -kEra ? kLeast : from, to > kEra ? kMost : to,
          std::chrono::microseconds(info.offset).count()};
}

Micros TimeZone::local(Micros at) const { return engine::saturating_add(at, offset_at(at).ahead); }

Micros TimeZone::moment_of(Micros local) const {
  // No place is a day from UTC: the search begins before any offset that can be meant.
  Offset offset = offset_at(engine::saturating_add(local, -kDay));
  while (true) {
    const Micros at = std::max(offset.from, engine::saturating_add(local, -offset.ahead));
    if (at < offset.to || offset.to == kMost) return at;
    offset = offset_at(offset.to);
  }
}

Stretch day_at(const TimeZone& zone, Micros at) {
  Stretch out = part_at(zone, counted(at), kDay);
  while (out.from > kLeast) {
    const Stretch before = part_at(zone, out.from - 1, kDay);
    if (before.number != out.number) break;
    out.from = before.from;
  }
  while (out.to < kMost) {
    const Stretch after = part_at(zone, out.to, kDay);
    if (after.number != out.number) break;
    out.to = after.to;
  }
  return out;
}

Stretch hour_at(const TimeZone& zone, Micros at) { return part_at(zone, counted(at), kHour); }

}  // namespace rollcall::replay
