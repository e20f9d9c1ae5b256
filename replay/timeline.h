// History over time: one user's states with their causes, and how many users were present.
//
// Why this file exists: a band of states, a heat map and a curve of concurrency are the same fold
// over the log, cut into the pieces that a picture needs.
#pragma once

#include "replay/attendance.h"
#include "replay/reader.h"

#include <utility>
#include <vector>

namespace rollcall::replay {

/// From `from` until the next span, the user was `state`; `seq` is the event that caused it (0: it
/// was so before the range).
struct Span {
  Micros from = 0;
  engine::Presence state = engine::Presence::Offline;
  Seq seq = 0;
  engine::Cause cause = engine::Cause::None;
};
struct Timeline {
  std::vector<Span> spans;     ///< ascending; the first begins at `from`
  std::vector<Header> events;  ///< of the user in the range, ascending; only the newest if too many
  bool events_left_out = false;
};
/// [from, to). At most `events_most` events.
[[nodiscard]] Result<Timeline> timeline_of(const Reader& reader, UserNumber user, Micros from,
                                           Micros to, std::size_t events_most);

/// One slice of a range, in microseconds of presence: divide by its length for an average.
struct Slice {
  Micros from = 0;
  Micros online_us = 0, away_us = 0;  ///< summed over users
  Micros unknown_us = 0;              ///< of those who were here when nobody watched any more
  std::uint64_t most = 0;             ///< maximum of users online or away at once
};
/// [from, to) in `count` slices of equal length (the last takes the rest), for one user, or for all
/// if `user` is 0. `unwatched`: times in which nothing is known, ascending, apart from each other.
[[nodiscard]] Result<std::vector<Slice>> concurrency(
    const Reader& reader, Micros from, Micros to, std::size_t count, UserNumber user,
    const std::vector<std::pair<Micros, Micros>>& unwatched = {});

/// The times within [from, to) of which nothing is known, ascending, apart from each other: gaps,
/// and what lies behind `ends`.
[[nodiscard]] std::vector<std::pair<Micros, Micros>> unwatched_in(const std::vector<Gap>& gaps,
                                                                  Micros ends, Micros from,
                                                                  Micros to);

}  // namespace rollcall::replay
