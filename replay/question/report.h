// report presence|sessions|attendance|concurrency|heatmap: sums of a range, by people, days, rooms.
#pragma once

#include "replay/question/coverage.h"
#include "replay/report_range.h"
#include "replay/time_zone.h"

namespace rollcall::replay::inline question {

/// People as a decimal with six places, as lengths of time are.
using Decimal = Seconds;

/// What every report is asked.
struct ReportQuestion : Whose {
  std::optional<std::string> since, until;  ///< the range; the whole log if neither is given
  std::optional<std::string> at;  ///< as it was at this moment: what comes later is left out
  std::optional<std::string> tz;  ///< whose days and hours, like Europe/Berlin; UTC if not given
  std::optional<std::uint64_t> limit;  ///< at most so many rows
};
BOOST_DESCRIBE_STRUCT(ReportQuestion, (Whose), (since, until, at, tz, limit))

/// What every report says of itself.
struct ReportSummary {
  Moment from, to;  ///< the range, as it came out
  std::string tz;
  std::uint64_t upto = 0;  ///< the last event that was looked at
  Coverage coverage;       ///< of the range's end
  std::vector<GapRow> gaps;
};
BOOST_DESCRIBE_STRUCT(ReportSummary, (), (from, to, tz, upto, coverage, gaps))

/// How long people were online and away, by their states: sessions that overlap count once.
struct PresenceReport : ReportQuestion {
  std::vector<std::string> by;  ///< user, day, or both; user if none
  static constexpr Asks kAsks{"report presence", true};
  /// Ascending by number, then by day.
  struct Row {
    std::optional<std::string> user;
    std::optional<std::uint64_t> number;
    std::optional<std::string> day;      ///< 2026-01-14
    std::optional<std::uint64_t> users;  ///< by day alone: how many were here
    Seconds online_s, away_s;
    Seconds unknown_s;  ///< of who was here when nobody watched, or when the log ended
    std::optional<Moment> first_seen, last_seen;  ///< signs of life
    std::uint64_t sessions = 0;                   ///< that were open in it
  };
  struct Summary : ReportSummary {
    std::uint64_t users = 0;
    Seconds online_s, away_s, unknown_s;
  };
};
BOOST_DESCRIBE_STRUCT(PresenceReport, (ReportQuestion), (by))
BOOST_DESCRIBE_STRUCT(PresenceReport::Row, (),
                      (user, number, day, users, online_s, away_s, unknown_s, first_seen, last_seen,
                       sessions))
BOOST_DESCRIBE_STRUCT(PresenceReport::Summary, (ReportSummary),
                      (users, online_s, away_s, unknown_s))

/// Sessions one by one, with where they were opened: those that overlap the range, from their login
/// on, as they were at its end.
struct SessionsReport : ReportQuestion {
  static constexpr Asks kAsks{"report sessions", true};
  /// Ascending by number, then by login.
  struct Row {
    std::string user;
    std::uint64_t number = 0;
    Moment from;
    std::optional<Moment> to;  ///< none while it is open
    Seconds seconds;           ///< while it is open, as long as it is known to have lasted
    std::string state;         ///< ended, open, or unknown: nobody watched at the range's end
    std::optional<std::string> cause;
    std::string address, device;  ///< of the login; empty if it gave none, or is forgotten
    std::uint64_t login_seq = 0;
    std::optional<std::uint64_t> end_seq;
  };
  struct Summary : ReportSummary {
    std::uint64_t count = 0, users = 0;
    Seconds seconds;  ///< of all of them
    Seconds once_s;   ///< time of one person in several sessions counted once
  };
};
BOOST_DESCRIBE_STRUCT(SessionsReport, (ReportQuestion), ())
BOOST_DESCRIBE_STRUCT(SessionsReport::Row, (),
                      (user, number, from, to, seconds, state, cause, address, device, login_seq,
                       end_seq))
BOOST_DESCRIBE_STRUCT(SessionsReport::Summary, (ReportSummary), (count, users, seconds, once_s))

/// Who was in which room how long: of rooms whose attendance is logged.
struct AttendanceReport : ReportQuestion {
  std::optional<std::string> room;  ///< only this one
  std::vector<std::string> by;      ///< sums by room, user, day; each visit if none
  static constexpr Asks kAsks{"report attendance", true};
  /// Ascending by room, as they came to be, then by number and by day or time.
  struct Row {
    std::optional<std::string> room, user;
    std::optional<std::uint64_t> number;
    std::optional<std::string> day;
    std::optional<Moment> from, to;  ///< cut to the range; no `to` for who is still there
    Seconds seconds;
    Seconds unknown_s;  ///< nobody watched
    std::uint64_t visits = 0;
  };
  struct Summary : ReportSummary {
    std::uint64_t rooms = 0, users = 0, visits = 0;
    Seconds seconds;  ///< of all of them
  };
};
BOOST_DESCRIBE_STRUCT(AttendanceReport, (ReportQuestion), (room, by))
BOOST_DESCRIBE_STRUCT(AttendanceReport::Row, (),
                      (room, user, number, day, from, to, seconds, unknown_s, visits))
BOOST_DESCRIBE_STRUCT(AttendanceReport::Summary, (ReportSummary), (rooms, users, visits, seconds))

/// How many were here at once, hour by hour or day by day.
struct ConcurrencyReport : ReportQuestion {
  std::vector<std::string> by;  ///< hour or day; if none, hours of up to two months, else days
  static constexpr Asks kAsks{"report concurrency", true};
  struct Row {
    Moment from, to;
    std::optional<std::string> day;  ///< by day
    std::uint64_t online_max = 0;
    std::optional<Decimal> online_mean, away_mean;  ///< none if nobody watched
    Seconds unknown_s;                              ///< of who was here when nobody watched
  };
  struct Summary : ReportSummary {
    std::uint64_t online_max = 0;
    std::optional<Decimal> online_mean, away_mean;
  };
};
BOOST_DESCRIBE_STRUCT(ConcurrencyReport, (ReportQuestion), (by))
BOOST_DESCRIBE_STRUCT(ConcurrencyReport::Row, (),
                      (from, to, day, online_max, online_mean, away_mean, unknown_s))
BOOST_DESCRIBE_STRUCT(ConcurrencyReport::Summary, (ReportSummary),
                      (online_max, online_mean, away_mean))

/// The hours of the week: 168 rows, from Monday's first.
struct HeatmapReport : ReportQuestion {
  static constexpr Asks kAsks{"report heatmap", true};
  struct Row {
    std::uint64_t weekday = 0;            ///< 1 is Monday, 7 Sunday
    std::uint64_t hour = 0;               ///< 0 to 23, by the clocks of the zone
    Seconds online_s, away_s, unknown_s;  ///< summed over people
    Seconds watched_s;                    ///< how much of the range was that hour
    std::optional<Decimal> online_mean, away_mean;
  };
  struct Summary : ReportSummary {
    Seconds online_s, away_s, unknown_s;
  };
};
BOOST_DESCRIBE_STRUCT(HeatmapReport, (ReportQuestion), ())
BOOST_DESCRIBE_STRUCT(HeatmapReport::Row, (),
                      (weekday, hour, online_s, away_s, unknown_s, watched_s, online_mean,
                       away_mean))
BOOST_DESCRIBE_STRUCT(HeatmapReport::Summary, (ReportSummary), (online_s, away_s, unknown_s))

[[nodiscard]] Result<void> check(const PresenceReport& q);
[[nodiscard]] Result<void> check(const SessionsReport& q);
[[nodiscard]] Result<void> check(const AttendanceReport& q);
[[nodiscard]] Result<void> check(const ConcurrencyReport& q);
[[nodiscard]] Result<void> check(const HeatmapReport& q);
[[nodiscard]] Result<PresenceReport::Summary> answer(const Desk& desk, const PresenceReport& q,
                                                     const RowSink<PresenceReport::Row>& row);
[[nodiscard]] Result<SessionsReport::Summary> answer(const Desk& desk, const SessionsReport& q,
                                                     const RowSink<SessionsReport::Row>& row);
[[nodiscard]] Result<AttendanceReport::Summary> answer(const Desk& desk, const AttendanceReport& q,
                                                       const RowSink<AttendanceReport::Row>& row);
[[nodiscard]] Result<ConcurrencyReport::Summary> answer(const Desk& desk,
                                                        const ConcurrencyReport& q,
                                                        const RowSink<ConcurrencyReport::Row>& row);
[[nodiscard]] Result<HeatmapReport::Summary> answer(const Desk& desk, const HeatmapReport& q,
                                                    const RowSink<HeatmapReport::Row>& row);

/// What the reports share: the range of a question in its zone, and what it says of itself.
struct AskedRange {
  TimeZone zone;
  std::optional<TimeSpec> since, until, at;
  ReportRange range;
  People only;
};
[[nodiscard]] Result<void> check_report(const ReportQuestion& q);
/// What `by` may hold, each once.
[[nodiscard]] Result<void> check_by(const std::vector<std::string>& by,
                                    std::initializer_list<std::string_view> choices);
[[nodiscard]] bool has(const std::vector<std::string>& by, std::string_view name);
[[nodiscard]] Result<AskedRange> asked_range(const Desk& desk, const ReportQuestion& q);
void describe_range(const AskedRange& asked, const std::vector<Gap>& gaps, ReportSummary& out);

}  // namespace rollcall::replay::inline question
