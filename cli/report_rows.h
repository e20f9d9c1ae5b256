// The answers to reports as people read them: cells of a table, and a picture.
//
// Why this file exists: a table on a terminal and one on a page have the same cells, and both show
// the same picture. Times are those of the report's zone, lengths in hours and minutes.
#pragma once

#include "cli/report_picture.h"
#include "replay/question/report.h"

namespace rollcall::cli {

template <class Q>
struct Told {
  std::vector<typename Q::Row> rows;
  typename Q::Summary summary;
  replay::TimeZone zone;
};

struct Shown {
  std::vector<std::string> head;
  std::vector<std::vector<std::string>> lines;
  std::string instead;  ///< what a terminal shows in place of the table, if anything
};

[[nodiscard]] Shown shown_of(const Told<replay::PresenceReport>& told);
[[nodiscard]] Shown shown_of(const Told<replay::SessionsReport>& told);
[[nodiscard]] Shown shown_of(const Told<replay::AttendanceReport>& told);
[[nodiscard]] Shown shown_of(const Told<replay::ConcurrencyReport>& told);
[[nodiscard]] Shown shown_of(const Told<replay::HeatmapReport>& told);

[[nodiscard]] Picture picture_of(const Told<replay::PresenceReport>& told);
[[nodiscard]] Picture picture_of(const Told<replay::SessionsReport>& told);
[[nodiscard]] Picture picture_of(const Told<replay::AttendanceReport>& told);
[[nodiscard]] Picture picture_of(const Told<replay::ConcurrencyReport>& told);
[[nodiscard]] Picture picture_of(const Told<replay::HeatmapReport>& told);

/// What stands above the numbers of a page: the range, its zone, the totals, and what is not known.
[[nodiscard]] std::vector<std::string> facts_above(const replay::ReportSummary& summary,
                                                   const replay::TimeZone& zone,
                                                   const std::string& totals);

}  // namespace rollcall::cli
