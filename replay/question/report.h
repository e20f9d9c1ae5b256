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

[[nodiscard]] Result<void> check(const PresenceReport& q);
[[nodiscard]] Result<PresenceReport::Summary> answer(const Desk& desk, const PresenceReport& q,
                                                     const RowSink<PresenceReport::Row>& row);

/// What the reports share: the range of a question in its zone, and what it says of itself.
struct AskedRange {
  TimeZone zone;
  std::optional<TimeSpec> since, until, at;
  ReportRange range;
  std::vector<bool> only;  ///< marks of the people asked about; empty: everybody
};
[[nodiscard]] Result<void> check_report(const ReportQuestion& q);
/// What `by` may hold, each once.
[[nodiscard]] Result<void> check_by(const std::vector<std::string>& by,
                                    std::initializer_list<std::string_view> choices);
[[nodiscard]] bool has(const std::vector<std::string>& by, std::string_view name);
[[nodiscard]] Result<AskedRange> asked_range(const Desk& desk, const ReportQuestion& q);
void describe_range(const AskedRange& asked, const std::vector<Gap>& gaps, ReportSummary& out);

}  // namespace rollcall::replay::inline question
