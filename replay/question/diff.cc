// Two states, person by person.
#include "replay/question/diff.h"

#include "replay/question/presence.h"

#include <algorithm>
#include <map>
#include <set>

namespace rollcall::replay::inline question {
namespace {

struct Side {
  AsOf moment;
  engine::State state;
  [[nodiscard]] const engine::User& user(UserNumber n) const {
    static const engine::User kNobody;  // enrolled later
    const engine::User* found = state.find(n);
    return found == nullptr ? kNobody : *found;
  }
};

Result<Side> side_of(const Desk& desk, const std::string& at) {
  auto moment = as_of(*desk.reader, at, desk.now, desk.watched);
  if (!moment) return moment.error();
  auto state = state_as_of(*desk.reader, *moment);
  if (!state) return state.error();
  return Side{std::move(*moment), std::move(*state)};
}

Result<DiffQuestion::Side> told(const Reader& reader, const Side& side) {
  DiffQuestion::Side out;
  out.at = {side.moment.at};
  out.seq = side.moment.seq;
  auto root = root_text(reader, side.moment.seq);
  if (!root) return root.error();
  out.root = std::move(*root);
  out.coverage = coverage_of(side.moment);
  return out;
}

struct Changes {
  std::uint64_t count = 0;
  Seq seq = 0;
  std::string_view kind, cause;
};

/// Of everybody, after event `from` up to and with event `to`.
Result<std::map<UserNumber, Changes>> changes_between(const Desk& desk, Seq from, Seq to) {
  std::map<UserNumber, Changes> out;
  if (from >= to) return out;
  auto fold = state_at(*desk.reader, from);
  if (!fold) return fold.error();
  constexpr Seq kPiece = 65'536;  // the bar moves
  while (fold->state.seq < to) {
    RC_TRY(fold->advance(desk.reader->log(), std::min(to, fold->state.seq + kPiece),
                         [&](const Header&, store::ByteView, engine::Outcome,
                             std::span<const engine::Transition> changes) {
                           for (const engine::Transition& change : changes) {
                             if (change.from == change.to) continue;
                             Changes& of = out[change.user];
                             ++of.count;
                             of.seq = change.seq;
                             of.kind = engine::name_of(change.kind);
                             of.cause = engine::name_of(change.cause);
                           }
                         }));
    desk.progress(fold->state.seq - from, to - from);
  }
  return out;
}

void count(const std::string& state, DiffQuestion::Side& out) {
  out.online += state == "online";
  out.away += state == "away";
  out.unknown += state == "unknown";
}

}  // namespace

Result<void> check(const DiffQuestion& q) {
  RC_TRY(check_whose(q));
  if (q.at.size() != 2) return Error{Errc::BadInput, "at: give two moments"};
  for (const auto& at : q.at) RC_TRY(check_moment("at", at));
  return {};
}

Result<DiffQuestion::Summary> answer(const Desk& desk, const DiffQuestion& q,
                                     const RowSink<DiffQuestion::Row>& row) {
  const Reader& reader = *desk.reader;
  const auto people = find_users(reader, q);
  if (!people) return people.error();
  const std::set<UserNumber> wanted(people->begin(), people->end());
  const auto a = side_of(desk, q.at.front());
  if (!a) return a.error();
  const auto b = side_of(desk, q.at.back());
  if (!b) return b.error();
  DiffQuestion::Summary out;
  auto told_a = told(reader, *a), told_b = told(reader, *b);
  if (!told_a) return told_a.error();
  if (!told_b) return told_b.error();
  out.at_a = std::move(*told_a);
  out.at_b = std::move(*told_b);
  out.coverage = a->moment.known == Known::Yes ? out.at_b.coverage : out.at_a.coverage;
  out.gaps = rows_of(a->moment.gaps);
  for (const auto& gap : rows_of(b->moment.gaps)) {
    const bool there = std::any_of(out.gaps.begin(), out.gaps.end(),
                                   [&](const GapRow& g) { return g.seq == gap.seq; });
    if (!there) out.gaps.push_back(gap);
  }
  const auto changes = changes_between(desk, a->moment.seq, b->moment.seq);
  if (!changes) return changes.error();
  std::vector<DiffQuestion::Row> rows;
  const std::size_t users = std::max(a->state.users.size(), b->state.users.size());
  for (UserNumber n = 1; n < users; ++n) {
    if (!wanted.empty() && !wanted.contains(n)) continue;
    const engine::User &was = a->user(n), &is = b->user(n);
    DiffQuestion::Row r;
    auto from = told_state(was, a->moment.known), to = told_state(is, b->moment.known);
    count(from.state, out.at_a);
    count(to.state, out.at_b);
    if (from.state == to.state) {
      out.returned += from.state != "unknown" && was.since != is.since;
      continue;
    }
    r.user = reader.user_text(n);
    r.number = n;
    r.from = std::move(from.state);
    r.to = std::move(to.state);
    r.last_known_a = std::move(from.last_known);
    r.last_known_b = std::move(to.last_known);
    r.since_a = moment_of(was.since);
    r.since_b = moment_of(is.since);
    if (const auto found = changes->find(n); found != changes->end()) {
      r.changes = found->second.count;
      const auto last = reader.log().header(found->second.seq);
      // A conclusion that is due and not in the log is later than the last that is.
      if (last && *last && (*last)->at == is.since) {
        r.seq = found->second.seq;
        r.kind = std::string(found->second.kind);
        if (!found->second.cause.empty()) r.cause = std::string(found->second.cause);
      }
    }
    rows.push_back(std::move(r));
  }
  out.changed = rows.size();
  std::stable_sort(rows.begin(), rows.end(),
                   [](const auto& x, const auto& y) { return x.user < y.user; });
  if (q.limit && rows.size() > *q.limit) rows.resize(*q.limit);
  for (const auto& r : rows)
    if (!row(r)) break;
  return out;
}

}  // namespace rollcall::replay::inline question
