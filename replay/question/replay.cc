// One fold over the range, compared with every digest of the state in it.
#include "replay/question/replay.h"

#include "replay/rules.h"
#include "store/bytes/crypto.h"
#include "store/log/event_clock.h"
#include "store/log/state_digest.h"

#include <algorithm>
#include <map>
#include <set>

namespace rollcall::replay::inline question {
namespace {

/// Compares the state before each StateDigest with what it states.
class DigestCheck {
 public:
  explicit DigestCheck(ReplayQuestion::Summary& out) : out_(out) {}

  void before(const Header& h, engine::State& state) {
    if (h.kind != engine::Kind::StateDigest || out_.divergence) return;
    const auto digest = engine::digest_of(h);
    if (digest.reducer != engine::kReducerVersion || digest.covers + 1 != h.seq) {
      ++out_.not_checked;
      return;
    }
    ++out_.digests;
    const auto replayed = digester_.root(state);
    if (replayed == h.digest)
      agreed_ = h.seq;
    else
      out_.divergence = {.seq = h.seq,
                         .agreed = agreed_,
                         .history = store::hex(h.digest),
                         .replay = store::hex(replayed)};
  }

 private:
  ReplayQuestion::Summary& out_;
  store::StateDigester digester_;
  Seq agreed_ = 0;
};

/// What can be the cause: the events after the last digest that agreed, or after `before`.
Result<void> narrow(const Reader& reader, Seq before, ReplayQuestion::Divergence& out) {
  auto fold = state_at(reader, std::max(out.agreed, before));
  if (!fold) return fold.error();
  std::map<std::pair<engine::Kind, std::string_view>, std::uint64_t> met;  // by rule's number
  std::map<UserNumber, std::uint64_t> touched;
  RuleFinder finder(0);
  fold->before = [&](const Header& h) {
    finder = RuleFinder(h.user);
    finder.before(fold->state, h);
  };
  RC_TRY(fold->advance(reader.log(), out.seq - 1,
                       [&](const Header& h, store::ByteView, engine::Outcome outcome,
                           std::span<const engine::Transition> changes) {
                         ++out.events;
                         const Rule* rule = finder.after(fold->state, h, outcome).own;
                         ++met[{h.kind, rule == nullptr ? "" : rule->number}];
                         if (h.user != 0) ++touched[h.user];
                         for (const engine::Transition& change : changes)
                           if (change.user != h.user) ++touched[change.user];
                       }));
  constexpr std::size_t kMost = 12;
  out.users = touched.size();
  for (const auto& [number, events] : touched) {
    if (out.touched.size() == kMost) break;
    out.touched.push_back({reader.user_text(number), number, events});
  }
  for (const auto& [what, events] : met) {
    ReplayQuestion::Met& one = out.met.emplace_back();
    one.kind = std::string(engine::name_of(what.first));
    one.events = events;
    const Rule* rule = find_rule(what.second);
    if (rule == nullptr) continue;
    one.rule = std::string(rule->number);
    one.says = std::string(rule->says);
  }
  std::stable_sort(out.met.begin(), out.met.end(),
                   [](const auto& x, const auto& y) { return x.events > y.events; });
  return {};
}

}  // namespace

Result<void> check(const ReplayQuestion& q) {
  RC_TRY(check_whose(q));
  RC_TRY(check_moment("from", q.from));
  RC_TRY(check_moment("to", q.to));
  if (!q.from || !q.to) return {};
  const Micros now = store::wall_now();
  const auto from = parse_time(*q.from, now), to = parse_time(*q.to, now);
  if (from->index() == to->index() && *to < *from)
    return Error{Errc::BadInput, fmt::format("to {} is before from {}", *q.to, *q.from)};
  return {};
}

Result<ReplayQuestion::Summary> answer(const Desk& desk, const ReplayQuestion& q,
                                       const RowSink<ReplayQuestion::Row>& row) {
  const Reader& reader = *desk.reader;
  const auto people = find_users(reader, q);
  if (!people) return people.error();
  const std::set<UserNumber> wanted(people->begin(), people->end());
  const auto range = bounds_of(desk, q.from, q.to);
  if (!range) return range.error();
  ReplayQuestion::Summary out;
  const auto end = as_of(reader, q.to.value_or(""), desk.now, desk.watched);
  if (!end) return end.error();
  out.coverage = coverage_of(*end);
  if (range->before >= range->last) return out;
  auto fold = state_at(reader, range->before);
  if (!fold) return fold.error();
  out.first = range->before + 1;
  DigestCheck digests(out);
  fold->before = [&](const Header& h) { digests.before(h, fold->state); };
  const bool silent = q.silent.value_or(false);
  std::vector<Gap> gaps;
  std::uint64_t left = q.limit.value_or(~std::uint64_t{0});
  bool goes_on = left != 0;
  const auto put = [&](const Header& h, const engine::Transition* change, UserNumber user) {
    if (silent || !goes_on || (!wanted.empty() && !wanted.contains(user))) return;
    ReplayQuestion::Row r;
    r.seq = h.seq;
    r.at = {h.at};
    r.number = user;
    if (user != 0) r.user = reader.user_text(user);
    r.session = h.session;
    r.kind = std::string(engine::name_of(h.kind));
    r.cause = std::string(engine::name_of(h.cause));
    if (change != nullptr) {
      r.from = std::string(engine::name_of(change->from));
      r.to = std::string(engine::name_of(change->to));
    }
    goes_on = row(r) && --left != 0;
  };
  const auto visit = [&](const store::Fold::Step& step) {
    if (!goes_on) return;  // the rest of the piece
    const Header& h = step.header;
    const auto changes = step.transitions;
    ++out.events;
    out.last = h.seq;
    if (const auto gap = store::gap_told_by(h)) gaps.push_back(*gap);
    bool own = false;
    for (const engine::Transition& change : changes) {
      if (change.from == change.to) continue;
      ++out.transitions;
      if (change.user != h.user) continue;
      own = true;
      put(h, &change, h.user);
    }
    if (!own) put(h, nullptr, h.user);
    for (const engine::Transition& change : changes)
      if (change.from != change.to && change.user != h.user) put(h, &change, change.user);
  };
  // A piece at a time: whoever has enough ends it, and the bar moves.
  const Seq piece = silent ? 1'000'000 : 65'536;
  while (fold->state.seq < range->last && goes_on) {
    RC_TRY(fold->follow(reader.log(), std::min(range->last, fold->state.seq + piece),
                        engine::Effects::only<>(), visit));
    desk.progress(fold->state.seq - range->before, range->last - range->before);
  }
  if (fold->state.seq != out.last) {  // ended within a piece
    fold = state_at(reader, out.last);
    if (!fold) return fold.error();
  }
  if (out.divergence) RC_TRY(narrow(reader, range->before, *out.divergence));
  for (const engine::User& user : fold->state.users) {
    out.online += user.state == engine::Presence::Online;
    out.away += user.state == engine::Presence::Away;
  }
  out.gaps = rows_of(gaps);
  return out;
}

}  // namespace rollcall::replay::inline question
