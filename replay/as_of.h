// What is known of a moment: the state as of it, or why there is none.
//
// Why this file exists: every answer about the past follows one rule. The state at T is the fold of
// every event whose time is not later than T, and nothing is made up about times that nobody
// watched: after the log's last event (unless a server is watching now), inside a coverage gap, and
// before the log begins.
#pragma once

#include "replay/attendance.h"
#include "replay/time_text.h"

#include <string_view>
#include <vector>

namespace rollcall::replay {

/// Up to when a log speaks.
enum class Watched : std::uint8_t {
  ToItsEnd,  ///< nobody serves it: up to its last event
  ToNow,     ///< a server has it open: up to now
};

enum class Known : std::uint8_t { Yes, InGap, AfterEnd, BeforeBegin };
/// "yes", "in_gap", "after_end", "before_begin".
[[nodiscard]] std::string_view name_of(Known known);

struct AsOf {
  Micros at = 0;  ///< the moment; of seq:N that event's time, of no moment the last that is known
  Seq seq = 0;  ///< the last event not later than it; the state before a gap is the state after it
  Known known = Known::Yes;
  bool by_seq = false;          ///< given as seq:N
  std::vector<Gap> gaps;        ///< that contain it
  Micros begins = 0, ends = 0;  ///< the log's first event and its last; 0, 0 if it is empty
  Micros watched_to = 0;        ///< up to then the log speaks: its last event, or now
};

/// `text`: a moment (replay/time_text.h); empty: the last moment that is known.
[[nodiscard]] Result<AsOf> as_of(const Reader& reader, std::string_view text, Micros now,
                                 Watched watched);
/// The same for a time.
[[nodiscard]] Result<AsOf> as_of(const Reader& reader, Micros at, Micros now, Watched watched);

/// The last seq before a bound (half-open: without events at the moment, without event N of seq:N).
/// What `since` and `until` begin and end at; the state at a moment is another thing (as_of()).
[[nodiscard]] Result<Seq> last_before(const Reader& reader, std::string_view text, Micros now);

/// Of an event that is there.
[[nodiscard]] Result<Micros> time_of(const store::EventLog& log, Seq seq);
/// The last event that is not later than a time; 0 if there is none.
[[nodiscard]] Result<Seq> last_at(const store::EventLog& log, Micros at);

/// The state as of it. At the last moment that is known the conclusions of timers that are due by
/// then are in it, though they are not in the log yet.
[[nodiscard]] Result<engine::State> state_as_of(const Reader& reader, const AsOf& moment);

}  // namespace rollcall::replay
