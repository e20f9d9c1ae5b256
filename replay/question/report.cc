// What all reports share.
#include "replay/question/report.h"

#include "store/log/event_clock.h"

#include <algorithm>

namespace rollcall::replay::inline question {
namespace {

/// The moments of a question as its zone understands them.
Result<void> read_moments(const ReportQuestion& q, Micros now, AskedRange& out) {
  if (q.tz) {
    auto zone = TimeZone::named(*q.tz);
    if (!zone) return zone.error();
    out.zone = std::move(*zone);
  }
  for (const auto& [text, into] :
       {std::pair{&q.since, &out.since}, {&q.until, &out.until}, {&q.at, &out.at}}) {
    if (!*text) continue;
    const auto spec = parse_time(**text, now, out.zone);
    if (!spec) return spec.error();
    *into = *spec;
  }
  return {};
}

}  // namespace

Result<void> check_report(const ReportQuestion& q) {
  RC_TRY(check_whose(q));
  if (q.tz) RC_TRY(check_text("tz", *q.tz, 100));
  RC_TRY(check_moment("since", q.since));
  RC_TRY(check_moment("until", q.until));
  RC_TRY(check_moment("at", q.at));
  AskedRange asked;
  RC_TRY(read_moments(q, store::wall_now(), asked));
  for (const auto& [name, end, text] :
       {std::tuple{"until", &asked.until, &q.until}, {"at", &asked.at, &q.at}})
    if (*end && asked.since && (*end)->index() == asked.since->index() && **end < *asked.since)
      return Error{Errc::BadInput, fmt::format("{} {} is before since {}", name, **text, *q.since)};
  return {};
}

Result<void> check_by(const std::vector<std::string>& by,
                      std::initializer_list<std::string_view> choices) {
  for (const auto& name : by) {
    RC_TRY(check_choice("by", name, choices));
    if (std::count(by.begin(), by.end(), name) > 1)
      return Error{Errc::BadInput, fmt::format("by names {} twice", name)};
  }
  return {};
}

bool has(const std::vector<std::string>& by, std::string_view name) {
  return std::find(by.begin(), by.end(), name) != by.end();
}

Result<AskedRange> asked_range(const Desk& desk, const ReportQuestion& q) {
  AskedRange out;
  RC_TRY(read_moments(q, desk.now, out));
  const auto people = find_users(*desk.reader, q);
  if (!people) return people.error();
  out.only = People(*people);
  auto range = report_range(*desk.reader, out.since, out.until, out.at, desk.now, desk.watched);
  if (!range) return range.error();
  out.range = std::move(*range);
  return out;
}

void describe_range(const AskedRange& asked, const std::vector<Gap>& gaps, ReportSummary& out) {
  out.from = {asked.range.from};
  out.to = {asked.range.to};
  out.tz = asked.zone.name();
  out.upto = asked.range.last;
  out.coverage = coverage_of(asked.range.end);
  out.gaps = rows_of(gaps);
}

}  // namespace rollcall::replay::inline question
