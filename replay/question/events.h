// audit: the events that match, in order or newest first, page by page, or as they come.
#pragma once

#include "replay/question/filter.h"

namespace rollcall::replay::inline question {

/// A row is an event with its names and its opened body.
struct EventsQuestion : EventFilter {
  std::optional<std::uint64_t> limit;  ///< the newest so many; with a cursor or `after`: the next
  std::optional<bool> reverse;         ///< newest first
  std::optional<std::string> cursor, after_cursor;  ///< from this event on; from the one after it
  std::optional<std::uint64_t> after;               ///< only events after this seq
  static constexpr Asks kAsks{"audit", true};
  using Row = EventView;
  struct Summary {
    std::uint64_t from = 0, to = 0;     ///< what was looked through
    std::uint64_t upto = 0;             ///< the log's last event then
    std::uint64_t count = 0;            ///< of rows
    std::optional<std::string> cursor;  ///< of the last row
  };
};
BOOST_DESCRIBE_STRUCT(EventsQuestion, (EventFilter), (limit, reverse, cursor, after_cursor, after))
BOOST_DESCRIBE_STRUCT(EventsQuestion::Summary, (), (from, to, upto, count, cursor))

[[nodiscard]] Result<void> check(const EventsQuestion& q);
[[nodiscard]] Result<EventsQuestion::Summary> answer(const Desk& desk, const EventsQuestion& q,
                                                     const RowSink<EventView>& row);

/// How often each occurs.
struct StatsQuestion : EventFilter {
  std::optional<std::string> by;       ///< user, kind (as if none is given), hour, action, ip
  std::optional<std::uint64_t> limit;  ///< the first so many rows
  std::optional<bool> summary;         ///< one row for all
  static constexpr Asks kAsks{"audit stats", true};
  struct Row {
    std::optional<std::string> value;  ///< of what `by` names; none in the row for all
    std::uint64_t events = 0, users = 0;
    std::optional<Moment> first, last;
  };
  using Summary = NoSummary;
};
BOOST_DESCRIBE_STRUCT(StatsQuestion, (EventFilter), (by, limit, summary))
BOOST_DESCRIBE_STRUCT(StatsQuestion::Row, (), (value, events, users, first, last))

[[nodiscard]] Result<void> check(const StatsQuestion& q);
[[nodiscard]] Result<NoSummary> answer(const Desk& desk, const StatsQuestion& q,
                                       const RowSink<StatsQuestion::Row>& row);

/// The fields of `match`; of one of them the values it takes.
struct FieldsQuestion {
  std::optional<std::string> field;
  static constexpr Asks kAsks{"audit fields", true};
  struct Row {
    std::string name;                     ///< a field, or a value
    std::optional<std::uint64_t> events;  ///< that have the value
  };
  using Summary = NoSummary;
};
BOOST_DESCRIBE_STRUCT(FieldsQuestion, (), (field))
BOOST_DESCRIBE_STRUCT(FieldsQuestion::Row, (), (name, events))

[[nodiscard]] Result<void> check(const FieldsQuestion& q);
[[nodiscard]] Result<NoSummary> answer(const Desk& desk, const FieldsQuestion& q,
                                       const RowSink<FieldsQuestion::Row>& row);

/// Who read whose history, and why.
struct QueriesQuestion : EventFilter {
  static constexpr Asks kAsks{"audit queries", true};
  struct Row {
    std::uint64_t seq = 0;
    Moment at;
    std::string reader, subject;  ///< the subject empty: of nobody in particular
    std::optional<std::uint64_t> subject_number;
    std::string reason, ticket, what;
  };
  using Summary = NoSummary;
};
BOOST_DESCRIBE_STRUCT(QueriesQuestion, (EventFilter), ())
BOOST_DESCRIBE_STRUCT(QueriesQuestion::Row, (),
                      (seq, at, reader, subject, subject_number, reason, ticket, what))

[[nodiscard]] Result<void> check(const QueriesQuestion& q);
[[nodiscard]] Result<NoSummary> answer(const Desk& desk, const QueriesQuestion& q,
                                       const RowSink<QueriesQuestion::Row>& row);

}  // namespace rollcall::replay::inline question
