// Time zones: which day and hour it is somewhere at a moment, and when its days begin.
//
// Why this file exists: the log knows UTC alone, and a report by day is about the days of a place.
// Those have 23 or 25 hours twice a year, and some begin at one o'clock. Only time_zone.cc includes
// the library that reads the system's time zone database. It reads the tables of tzdata, which end
// with 2037: from then on the last offset stays.
#pragma once

#include "engine/event.h"
#include "store/bytes/errc.h"

#include <string>
#include <string_view>

namespace rollcall::replay {

/// A place's local time. Copies are cheap.
class TimeZone {
 public:
  TimeZone() = default;  ///< UTC, which needs no database
  /// By its name in the system's database, like Europe/Berlin; an error names what there is not.
  [[nodiscard]] static store::Result<TimeZone> named(std::string_view name);
  [[nodiscard]] const std::string& name() const { return name_; }

  /// From `from` to before `to`, local time is UTC and `ahead`.
  struct Offset {
    engine::Micros from = 0, to = 0, ahead = 0;
  };
  [[nodiscard]] Offset offset_at(engine::Micros at) const;
  /// What the clock on the wall shows, counted from 1970 like a moment of UTC.
  [[nodiscard]] engine::Micros local(engine::Micros at) const;
  /// The moment at which it shows that: the first of two; when the clock leaps over it, the leap.
  [[nodiscard]] engine::Micros moment_of(engine::Micros local) const;

 private:
  std::string name_ = "UTC";
  const void* zone_ = nullptr;  ///< of the library, which keeps it to the end; null: UTC
};

/// A time in which it is one day, or one hour, somewhere: [from, to).
struct Stretch {
  engine::Micros from = 0, to = 0;
  std::int64_t number = 0;  ///< days, or hours of local time, since 1970 began there

  [[nodiscard]] bool holds(engine::Micros at) const { return from <= at && at < to; }
};
/// Where clocks are put back over midnight a day comes twice, as two stretches of one number.
[[nodiscard]] Stretch day_at(const TimeZone& zone, engine::Micros at);
/// An hour ends where the offset changes: one that comes twice is two stretches.
[[nodiscard]] Stretch hour_at(const TimeZone& zone, engine::Micros at);

}  // namespace rollcall::replay
