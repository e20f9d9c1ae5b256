// From two moments to events, and through them.
#include "replay/report_range.h"

#include <fmt/format.h>

#include <algorithm>

namespace rollcall::replay {
namespace {

constexpr Micros kSpanMost = 3000LL * 31'557'600 * 1'000'000;
constexpr Micros kTimeMost = 30 * kSpanMost;  // a header may hold any number: sums stay in range

Result<Micros> time_of(const Reader& reader, Seq seq) {
  const auto header = reader.log().header(seq);
  if (!header) return header.error();
  if (!*header)
    return Error{Errc::Tampered, fmt::format("seq {}: the log has no record of it", seq)};
  return (*header)->at;
}

/// An end of a range: the last event before it, and the moment.
struct End {
  Seq last = 0;
  Micros to = 0;
};

/// Before the bound; with `included`, after it. Of seq:N no more is said than of the last event.
Result<End> end_at(const Reader& reader, const TimeSpec& bound, bool included) {
  if (const auto* seq = std::get_if<Seq>(&bound)) {
    if (included && *seq > reader.last())
      return Error{Errc::NotFound, fmt::format("the log ends at seq {}", reader.last())};
    const Seq last = std::min(included ? *seq : std::max<Seq>(*seq, 1) - 1, reader.last());
    if (last == 0) return End{0, 0};
    const auto to = time_of(reader, last);
    if (!to) return to.error();
    return End{last, *to};
  }
  const Micros to = std::get<Micros>(bound);
  const auto first = reader.log().seq_at(engine::saturating_add(to, included ? 1 : 0));
  if (!first) return first.error();
  return End{*first - 1, to};
}

/// The last event before a range, and its first moment; `watched_to` if it begins behind the log.
Result<End> begin_at(const Reader& reader, const TimeSpec& bound, Micros watched_to) {
  auto out = end_at(reader, bound, false);
  const auto* seq = std::get_if<Seq>(&bound);
  if (!out || seq == nullptr) return out;
  out->to = watched_to;
  if (*seq > reader.last()) return out;
  const auto first = time_of(reader, std::max<Seq>(*seq, 1));
  if (!first) return first.error();
  out->to = *first;
  return out;
}

}  // namespace

void Unwatched::add(Micros from, Micros to) {
  if (!list_.empty()) from = std::max(from, list_.back().second);
  if (from < to) list_.emplace_back(from, to);
}

Micros Unwatched::within(Micros from, Micros to) const {
  Micros out = 0;
  for (auto it = std::partition_point(list_.begin(), list_.end(),
                                      [&](const auto& dark) { return dark.second <= from; });
       it != list_.end() && it->first < to; ++it)
    out += std::min(to, it->second) - std::max(from, it->first);
  return out;
}

Result<ReportRange> report_range(const Reader& reader, const std::optional<TimeSpec>& since,
                                 const std::optional<TimeSpec>& until,
                                 const std::optional<TimeSpec>& at, Micros now, Watched watched) {
  ReportRange out;
  auto whole = as_of(reader, "", now, watched);
  if (!whole) return whole.error();
  out.end = *whole;
  if (reader.last() == 0) return out;
  std::optional<End> end;
  for (const auto* bound : {&until, &at}) {
    if (!*bound) continue;
    const bool included = bound == &at;
    const auto told = end_at(reader, **bound, included);
    if (!told) return told.error();
    if (end && end->to <= told->to) continue;
    end = *told;
    auto known =
        std::holds_alternative<Seq>(**bound)
            ? as_of(reader, fmt::format("seq:{}", end->last), now, watched)
            : as_of(reader, engine::saturating_add(end->to, included ? 0 : -1), now, watched);
    if (!known) return known.error();
    out.end = std::move(*known);
  }
  out.last = end ? end->last : whole->seq;
  out.to = end ? end->to : whole->watched_to;
  out.from = whole->begins;  // nobody was here before it
  if (since) {
    const auto first = begin_at(reader, *since, whole->watched_to);
    if (!first) return first.error();
    out.before = first->last;
    out.from = std::max(out.from, first->to);
  }
  out.to = std::max(out.to, out.from);
  if (out.to > engine::saturating_add(out.from, kSpanMost))
    return Error{Errc::BadInput, "the range spans more than 3,000 years: give since and until"};
  if (out.from < -kTimeMost || out.to > kTimeMost)
    return Error{Errc::BadInput, "the log's times are those of no calendar: give since and until"};
  auto begin = as_of(reader, engine::saturating_add(out.from, 1), now, watched);
  if (!begin) return begin.error();
  out.begin = std::move(*begin);
  return out;
}

Result<std::vector<Gap>> read_range(
    const Reader& reader, const ReportRange& range, const engine::Effects& wanted,
    Unwatched& unwatched, const RangeFollower& follower,
    const std::function<void(std::uint64_t, std::uint64_t)>& progress) {
  std::vector<Gap> gaps;
  const auto note = [&](const Gap& gap, Micros heard) {
    const bool told = std::any_of(gaps.begin(), gaps.end(),
                                  [&](const Gap& other) { return other.seq == gap.seq; });
    // Nothing is written in a gap: what was written counts, whatever is claimed of that time.
    const Micros from = std::max({gap.from, heard, range.from}), to = std::min(gap.to, range.to);
    if (told || from >= to) return;
    gaps.push_back(gap);
    unwatched.add(from, to);
  };
  auto fold = state_at(reader, range.before);
  if (!fold) return fold.error();
  Micros heard = fold->state.at;
  for (const Gap& gap : range.begin.gaps)
    if (gap.seq <= range.before) note(gap, gap.from);
  follower.begin(fold->state);
  const auto visit = [&](const store::Fold::Step& step) {
    if (const auto gap = store::gap_told_by(step.header)) note(*gap, heard);
    heard = step.header.at;
    follower.step(step);
  };
  // A piece at a time, so that the bar moves.
  constexpr Seq kPiece = 262'144;
  while (fold->state.seq < range.last) {
    RC_TRY(
        fold->follow(reader.log(), std::min(range.last, fold->state.seq + kPiece), wanted, visit));
    progress(fold->state.seq - range.before, range.last - range.before);
  }
  for (const Gap& gap : range.end.gaps) note(gap, heard);
  if (range.to > range.end.watched_to)
    unwatched.add(std::max(range.from, range.end.watched_to), range.to);
  return gaps;
}

}  // namespace rollcall::replay
