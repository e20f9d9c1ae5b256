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

/// Applies headers in groups. Each touches a few places of a state far larger than caches, which
/// the memory is told of before the group is applied, so that it fetches them at once and not in
/// turn.
class Applier {
 public:
  Applier(engine::State& state, const engine::Effects& wanted,
          const std::function<void(UserNumber)>& expect)
      : state_(state), effects_(wanted), expect_(expect) {
    group_.reserve(kGroup);
  }

  Result<void> apply(const store::EventLog& log, Seq from, Seq to,
                     const std::function<void(const store::Fold::Step&)>& visit) {
    std::optional<Error> fault;
    group_.clear();
    RC_TRY(log.scan(from, to, [&](const Header& h, store::ByteView) {
      group_.push_back(h);
      if (group_.size() == kGroup) fault = apply_group(visit);
      return !fault;
    }));
    if (!fault) fault = apply_group(visit);
    if (fault) return *fault;
    return {};
  }

 private:
  static constexpr std::size_t kGroup = 64;

  std::optional<Error> apply_group(const std::function<void(const store::Fold::Step&)>& visit) {
    expect_group();
    for (const Header& h : group_) {
      if (const auto wrong = engine::order_fault(state_, h))
        return Error{Errc::Tampered, fmt::format("seq {}: {}", h.seq, *wrong)};
      transitions_.clear();
      effects_.list.clear();
      const auto outcome = engine::apply(state_, h, transitions_, &effects_);
      visit({h, outcome, transitions_, effects_.list});
    }
    group_.clear();
    return std::nullopt;
  }

  /// One step for all before the next: each needs what the one before fetched.
  void expect_group() {
    for (const Header& h : group_) {
      if (h.user >= state_.users.size()) continue;
      fetch(state_.users[h.user]);
      if (expect_) expect_(h.user);
    }
    const auto each_open = [&](const auto& visit) {
      for (const Header& h : group_)
        if (const auto* user = state_.find(h.user); user != nullptr && !user->sessions.empty())
          visit(h, *user);
    };
    each_open([](const Header&, const engine::User& user) { fetch(user.sessions.front()); });
    each_open([&](const Header& h, const engine::User& user) {
      const auto it = state_.sessions.find(h.session != 0 ? h.session : user.sessions.front());
      if (it != state_.sessions.end()) fetch(it->second);
    });
  }

  engine::State& state_;
  engine::Effects effects_;
  const std::function<void(UserNumber)>& expect_;
  std::vector<Header> group_;
  std::vector<engine::Transition> transitions_;
};

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
  if (out.to < out.from) {  // it begins behind the log's end, or ends before its begin
    auto known = as_of(reader, since ? out.from : out.to, now, watched);
    if (!known) return known.error();
    out.end = std::move(*known);
    out.to = out.from;
  }
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
  Applier applier(fold->state, wanted, follower.expect);
  const auto visit = [&](const store::Fold::Step& step) {
    if (const auto gap = store::gap_told_by(step.header)) note(*gap, heard);
    heard = step.header.at;
    follower.step(step);
  };
  // A piece at a time, so that the bar moves.
  constexpr Seq kPiece = 262'144;
  for (Seq done = range.before; done < range.last;) {
    const Seq to = std::min(range.last, done + kPiece);
    RC_TRY(applier.apply(reader.log(), done + 1, to, visit));
    done = to;
    progress(done - range.before, range.last - range.before);
  }
  for (const Gap& gap : range.end.gaps) note(gap, heard);
  if (range.to > range.end.watched_to)
    unwatched.add(std::max(range.from, range.end.watched_to), range.to);
  return gaps;
}

}  // namespace rollcall::replay
