// Moments: parsing what people write, and printing them.
//
// Why this file exists: -S, -U and --at accept the systemd.time grammar plus RFC 3339, ausearch's
// words and seq:N. All of them become one number of microseconds, independent of the locale.
#pragma once

#include "engine/event.h"
#include "store/bytes/errc.h"

#include <string>
#include <string_view>
#include <variant>

namespace rollcall::replay {

class TimeZone;

/// RFC 3339 with microseconds, UTC: 2026-01-14T08:57:12.004113Z.
[[nodiscard]] std::string rfc3339(engine::Micros at);
/// For tables: 2026-01-14 08:57:12.
[[nodiscard]] std::string short_time(engine::Micros at);
/// The same as the clocks of a place show it.
[[nodiscard]] std::string short_time(engine::Micros at, const TimeZone& zone);
/// 2026-01-14, of a day as day_at() numbers them (replay/time_zone.h).
[[nodiscard]] std::string date_text(std::int64_t day);
/// For tables: 3h06m, 45s, 2d04h.
[[nodiscard]] std::string short_duration(engine::Micros span);

[[nodiscard]] store::Result<engine::Micros> parse_rfc3339(std::string_view text);
/// 30s, 5min, 2h30min, 7d, 500ms; a bare number is seconds.
[[nodiscard]] store::Result<engine::Micros> parse_duration(std::string_view text);

/// A moment, or a position in the log.
using TimeSpec = std::variant<engine::Micros, engine::Seq>;
/// `now`, `today`, `yesterday 10:00`, `-2h`, `2 hours ago`, `@unix`, dates, RFC 3339, `recent`,
/// `this-week`, `week-ago`, `this-month`, `seq:N`. Days begin at midnight UTC.
[[nodiscard]] store::Result<TimeSpec> parse_time(std::string_view text, engine::Micros now);
/// The same for people of a place: its days begin at its own midnight, and a time without an offset
/// is that of its clocks.
[[nodiscard]] store::Result<TimeSpec> parse_time(std::string_view text, engine::Micros now,
                                                 const TimeZone& zone);

}  // namespace rollcall::replay
