// Folds over a range of time.
#include "replay/question/timeline.h"

#include "replay/event_view.h"
#include "replay/timeline.h"
#include "store/log/event_clock.h"

#include <limits>

namespace rollcall::replay::inline question {
namespace {

struct Range {
  Micros from = 0, to = 0;
};

Result<Range> range_of(const std::optional<std::string>& from, const std::optional<std::string>& to,
                       Micros now) {
  constexpr Micros kDay = Micros{86'400} * 1'000'000;
  const auto moment = [&](const std::optional<std::string>& text,
                          Micros without) -> Result<Micros> {
    if (!text) return without;
    const auto spec = parse_time(*text, now);
    if (!spec) return spec.error();
    if (const auto* at = std::get_if<Micros>(&*spec)) return *at;
    return Error{Errc::BadInput, "from and to are times"};
  };
  const auto end = moment(to, now);
  if (!end) return end.error();
  const auto begin = moment(from, *end - kDay);
  if (!begin) return begin.error();
  if (*begin >= *end) return Error{Errc::BadInput, "from must be before to"};
  return Range{*begin, *end};
}

/// Of a range: how its end is known, and the times in it of which nothing is.
struct Watch {
  AsOf end;
  std::vector<Gap> gaps;
  std::vector<std::pair<Micros, Micros>> unwatched;
};

Result<Watch> watch_over(const Desk& desk, Range range) {
  Watch out;
  auto end = as_of(*desk.reader, range.to - 1, desk.now, desk.watched);
  if (!end) return end.error();
  out.end = std::move(*end);
  auto gaps = coverage_gaps(*desk.reader, range.from, range.to);
  if (!gaps) return gaps.error();
  out.gaps = std::move(*gaps);
  out.unwatched = unwatched_in(out.gaps, out.end.watched_to, range.from, range.to);
  return out;
}

/// The spans as they are told: while nobody watched, somebody who was here is unknown.
std::vector<TimelineQuestion::Span> told(const std::vector<Span>& spans, const Watch& watch) {
  std::vector<TimelineQuestion::Span> out;
  auto dark = watch.unwatched.begin();
  for (std::size_t i = 0; i < spans.size(); ++i) {
    const Span& span = spans[i];
    const std::string state(engine::name_of(span.state)), cause(engine::name_of(span.cause));
    const Micros end =
        i + 1 < spans.size() ? spans[i + 1].from : std::numeric_limits<Micros>::max();
    while (dark != watch.unwatched.end() && dark->second <= span.from) ++dark;
    const bool begins_dark = dark != watch.unwatched.end() && dark->first <= span.from;
    if (span.state == engine::Presence::Offline || !begins_dark)
      out.push_back({{span.from}, state, cause, span.seq});
    if (span.state == engine::Presence::Offline) continue;
    for (auto it = dark; it != watch.unwatched.end() && it->first < end; ++it) {
      out.push_back({{std::max(it->first, span.from)}, "unknown", "none", 0});
      const bool to_the_end =
          it->second >= watch.end.watched_to && watch.end.known == Known::AfterEnd;
      if (it->second < end && !to_the_end) out.push_back({{it->second}, state, "none", span.seq});
    }
  }
  return out;
}

}  // namespace

Result<void> check(const TimelineQuestion& q) {
  RC_TRY(check_whose({{q.user}, {}}));
  RC_TRY(check_moment("from", q.from));
  RC_TRY(check_moment("to", q.to));
  if (const auto range = range_of(q.from, q.to, store::wall_now()); !range) return range.error();
  return {};
}

Result<TimelineQuestion::Summary> answer(const Desk& desk, const TimelineQuestion& q,
                                         const RowSink<NoRow>&) {
  constexpr std::size_t kEventsMost = 2000;
  const Reader& reader = *desk.reader;
  const auto number = reader.find_user(q.user);
  if (!number) return number.error();
  const auto range = range_of(q.from, q.to, desk.now);
  if (!range) return range.error();
  const auto found = timeline_of(reader, *number, range->from, range->to, kEventsMost);
  if (!found) return found.error();
  TimelineQuestion::Summary out;
  out.user = q.user;
  out.from = {range->from};
  out.to = {range->to};
  out.events_left_out = found->events_left_out;
  const auto watch = watch_over(desk, *range);
  if (!watch) return watch.error();
  out.spans = told(found->spans, *watch);
  for (const auto& h : found->events) {
    const auto view = view_of(reader, h);
    TimelineQuestion::Event event;
    event.seq = h.seq;
    event.at = {h.at};
    event.kind = std::string(engine::name_of(h.kind));
    event.cause = std::string(engine::name_of(h.cause));
    event.session = h.session;
    if (!view.action.empty()) event.action = view.action;
    if (!view.body.body.description.empty()) event.description = view.body.body.description;
    out.events.push_back(std::move(event));
  }
  out.coverage = coverage_of(watch->end);
  out.gaps = rows_of(watch->gaps);
  return out;
}

Result<void> check(const ConcurrencyQuestion& q) {
  constexpr std::uint64_t kSlicesMost = 5000;
  if (q.slices && (*q.slices == 0 || *q.slices > kSlicesMost))
    return Error{Errc::BadInput, "slices is 1 to 5000"};
  if (q.user) RC_TRY(check_whose({{*q.user}, {}}));
  RC_TRY(check_moment("from", q.from));
  RC_TRY(check_moment("to", q.to));
  if (const auto range = range_of(q.from, q.to, store::wall_now()); !range) return range.error();
  return {};
}

Result<ConcurrencyQuestion::Summary> answer(const Desk& desk, const ConcurrencyQuestion& q,
                                            const RowSink<NoRow>&) {
  constexpr std::uint64_t kSlices = 96;
  const Reader& reader = *desk.reader;
  UserNumber user = 0;
  if (q.user) {
    const auto number = reader.find_user(*q.user);
    if (!number) return number.error();
    user = *number;
  }
  const auto range = range_of(q.from, q.to, desk.now);
  if (!range) return range.error();
  const std::uint64_t slices = q.slices.value_or(kSlices);
  const auto watch = watch_over(desk, *range);
  if (!watch) return watch.error();
  const auto found = concurrency(reader, range->from, range->to, slices, user, watch->unwatched);
  if (!found) return found.error();
  ConcurrencyQuestion::Summary out;
  out.from = {range->from};
  out.to = {range->to};
  out.slice_ms = static_cast<std::uint64_t>(range->to - range->from) / slices / 1'000;
  for (const auto& s : *found)
    out.slices.push_back({{s.from},
                          static_cast<std::uint64_t>(s.online_us) / 1'000,
                          static_cast<std::uint64_t>(s.away_us) / 1'000,
                          static_cast<std::uint64_t>(s.unknown_us) / 1'000,
                          s.most});
  out.coverage = coverage_of(watch->end);
  out.gaps = rows_of(watch->gaps);
  return out;
}

}  // namespace rollcall::replay::inline question
