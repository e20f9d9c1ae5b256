// One fold over the log, from the nearest snapshot before the range.
#include "replay/question/transitions.h"

#include <set>

namespace rollcall::replay::inline question {

Result<void> check(const TransitionsQuestion& q) {
  RC_TRY(check_whose(q));
  return check_range(q.since, q.until);
}

Result<TransitionsQuestion::Summary> answer(const Desk& desk, const TransitionsQuestion& q,
                                            const RowSink<TransitionsQuestion::Row>& row) {
  const Reader& reader = *desk.reader;
  const auto people = find_users(reader, q);
  if (!people) return people.error();
  const std::set<UserNumber> wanted(people->begin(), people->end());
  const auto bounds = bounds_of(desk, q.since, q.until);
  if (!bounds) return bounds.error();
  const Seq before = bounds->before, upto = bounds->last;
  TransitionsQuestion::Summary out;
  out.upto = upto;
  const auto end = as_of(reader, q.until.value_or(""), desk.now, desk.watched);
  if (!end) return end.error();
  out.coverage = coverage_of(*end);
  if (before >= upto) return out;
  auto fold = state_at(reader, before);
  if (!fold) return fold.error();
  std::uint64_t left = q.limit.value_or(~std::uint64_t{0});
  std::vector<Gap> gaps;
  // A piece at a time, so that whoever has enough stops it.
  constexpr Seq kPiece = 8192;
  std::uint64_t done = 0;
  while (fold->state.seq < upto && left != 0) {
    const Seq to = std::min(upto, fold->state.seq + kPiece);
    RC_TRY(fold->advance(reader.log(), to,
                         [&](const Header& h, store::ByteView, engine::Outcome,
                             std::span<const engine::Transition> changes) {
                           if (const auto gap = store::gap_told_by(h)) gaps.push_back(*gap);
                           for (const engine::Transition& change : changes) {
                             if (change.from == change.to || left == 0) continue;
                             if (!wanted.empty() && !wanted.contains(change.user)) continue;
                             --left;
                             if (!row({h.seq,
                                       {h.at},
                                       reader.user_text(change.user),
                                       change.user,
                                       std::string(engine::name_of(change.from)),
                                       std::string(engine::name_of(change.to)),
                                       std::string(engine::name_of(change.cause))}))
                               left = 0;
                           }
                         }));
    done += kPiece;
    desk.progress(std::min<std::uint64_t>(done, upto - before), upto - before);
  }
  out.gaps = rows_of(gaps);
  return out;
}

}  // namespace rollcall::replay::inline question
