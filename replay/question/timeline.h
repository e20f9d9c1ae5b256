// One person's states over time, and how many people were present.
#pragma once

#include "replay/question/coverage.h"

namespace rollcall::replay::inline question {

struct TimelineQuestion {
  std::string user;
  std::optional<std::string> from, to;  ///< moments; a day ago and now if none are given
  static constexpr Asks kAsks{"timeline", true};
  using Row = NoRow;
  struct Span {
    Moment from;
    std::string state, cause;  ///< unknown: he was here when the last was known of him
    std::uint64_t seq = 0;     ///< the event that made it so; 0: it was so before
  };
  struct Event {
    std::uint64_t seq = 0;
    Moment at;
    std::string kind, cause;
    std::uint64_t session = 0;
    std::optional<std::string> action, description;
  };
  struct Summary {
    std::string user;
    Moment from, to;
    std::vector<Span> spans;
    std::vector<Event> events;
    bool events_left_out = false;
    Coverage coverage;
    std::vector<GapRow> gaps;  ///< of the range
  };
};
BOOST_DESCRIBE_STRUCT(TimelineQuestion, (), (user, from, to))
BOOST_DESCRIBE_STRUCT(TimelineQuestion::Span, (), (from, state, cause, seq))
BOOST_DESCRIBE_STRUCT(TimelineQuestion::Event, (),
                      (seq, at, kind, cause, session, action, description))
BOOST_DESCRIBE_STRUCT(TimelineQuestion::Summary, (),
                      (user, from, to, spans, events, events_left_out, coverage, gaps))

struct ConcurrencyQuestion {
  std::optional<std::string> user, from, to;
  std::optional<std::uint64_t> slices;
  static constexpr Asks kAsks{"concurrency", true};
  using Row = NoRow;
  struct Slice {
    Moment from;
    std::uint64_t online_ms = 0, away_ms = 0;  ///< summed over people
    std::uint64_t unknown_ms = 0;              ///< of those who were here when nobody watched
    std::uint64_t most = 0;                    ///< at once
  };
  struct Summary {
    Moment from, to;
    std::uint64_t slice_ms = 0;
    std::vector<Slice> slices;
    Coverage coverage;
    std::vector<GapRow> gaps;  ///< of the range
  };
};
BOOST_DESCRIBE_STRUCT(ConcurrencyQuestion, (), (user, from, to, slices))
BOOST_DESCRIBE_STRUCT(ConcurrencyQuestion::Slice, (), (from, online_ms, away_ms, unknown_ms, most))
BOOST_DESCRIBE_STRUCT(ConcurrencyQuestion::Summary, (),
                      (from, to, slice_ms, slices, coverage, gaps))

[[nodiscard]] Result<void> check(const TimelineQuestion& q);
[[nodiscard]] Result<void> check(const ConcurrencyQuestion& q);
[[nodiscard]] Result<TimelineQuestion::Summary> answer(const Desk& desk, const TimelineQuestion& q,
                                                       const RowSink<NoRow>& row);
[[nodiscard]] Result<ConcurrencyQuestion::Summary> answer(const Desk& desk,
                                                          const ConcurrencyQuestion& q,
                                                          const RowSink<NoRow>& row);

}  // namespace rollcall::replay::inline question
