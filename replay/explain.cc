// One pass over the range in which everything that holds came about.
#include "replay/explain.h"

#include "engine/sequencer.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace rollcall::replay {
namespace {

using engine::Cause;
using engine::Kind;

/// Without everybody else: their events are not applied, so they would be wrong. But their numbers
/// are taken, by whomever is enrolled before the user in the range.
engine::State only(engine::State state, UserNumber user) {
  std::erase_if(state.sessions, [&](const auto& entry) { return entry.second.user != user; });
  for (UserNumber n = 1; n < state.users.size(); ++n)
    if (n != user) state.users[n] = {};
  if (state.users.size() < user) state.users.resize(user);
  return state;
}

class Tracker {
 public:
  Tracker(engine::State state, UserNumber user)
      : state_(std::move(state)), user_(user), finder_(user) {}

  /// `logged`: it is in the log, and not only due.
  void apply(const Header& h, bool logged) {
    const engine::User* user = state_.find(user_);
    const Micros seen_before = user == nullptr ? 0 : user->last_seen;
    finder_.before(state_, h);
    Made made{.by = h, .logged = logged, .rules = {}, .basis = {}};
    conclude_from(h, made);
    transitions_.clear();
    effects_.list.clear();
    const engine::Outcome outcome = engine::apply(state_, h, transitions_, &effects_);
    made.rules = finder_.after(state_, h, outcome);
    for (const engine::Effect& effect : effects_.list)
      if (effect.user == user_)
        std::visit([&](const auto& what) { take(what, made); }, effect.what);
    for (const engine::Transition& change : transitions_)
      if (change.user == user_ && change.from != change.to) since_ = made;
    user = state_.find(user_);
    if (user != nullptr && user->last_seen != seen_before) seen_ = made;
  }

  /// What is due by then, too.
  void conclude(Micros at) {
    engine::Sequencer sequencer(state_);
    std::vector<engine::Sequenced> concluded;
    std::vector<engine::Transition> transitions;
    sequencer.conclude(at + 1, concluded, transitions);
    for (const engine::Sequenced& one : concluded) apply(one.header, false);
  }

  [[nodiscard]] Explanation explanation() && {
    Explanation out;
    out.since = std::move(since_);
    out.status = std::move(status_);
    out.seen = std::move(seen_);
    for (auto& [id, open] : sessions_) {
      SessionReasons reasons = std::move(open.reasons);
      reasons.session = id;
      reasons.links.assign(open.links.begin(), open.links.end());
      out.sessions.push_back(std::move(reasons));
    }
    out.members.assign(members_.begin(), members_.end());
    out.state = std::move(state_);
    return out;
  }

 private:
  struct Open {
    SessionReasons reasons;
    std::map<engine::Link, Made> links;
  };

  /// From what a timer concluded, and which limit ran out.
  void conclude_from(const Header& h, Made& made) {
    const bool idle = h.kind == Kind::Inactivity && h.cause == Cause::IdleTimeout;
    const bool grace = h.kind == Kind::Logout && h.cause == Cause::GraceExpired;
    const bool ttl = h.kind == Kind::Logout && h.cause == Cause::TtlExpired;
    const auto it = state_.sessions.find(h.session);
    if (!(idle || grace || ttl) || h.user != user_ || it == state_.sessions.end()) return;
    const engine::Session& session = it->second;
    const auto due = idle ? engine::idle_deadline(state_.policy, session)
                          : engine::end_deadline(state_.policy, session);
    made.since = grace ? session.detached_from : session.last_activity_at;
    made.counted_from = grace ? session.detached_from : session.idle_from;
    if (due) made.limit = *due - made.counted_from;
    const auto known = sessions_.find(h.session);
    if (known == sessions_.end()) return;
    const SessionReasons& reasons = known->second.reasons;
    const auto& from = grace ? reasons.detached : reasons.active ? reasons.active : reasons.opened;
    if (!from) return;
    made.basis = from->by;
    if (grace) made.since = from->by.at;
  }

  void take(const engine::UserKnown&, const Made&) {}
  void take(const engine::UserForgotten&, const Made&) { status_.reset(); }
  void take(const engine::SessionOpened& e, const Made& made) {
    sessions_[e.session].reasons.opened = made;
  }
  void take(const engine::SessionClosed& e, const Made&) { sessions_.erase(e.session); }
  void take(const engine::Linked& e, const Made& made) {
    Open& open = sessions_[e.session];
    open.links[{e.node, e.connection}] = made;
    if (e.reattached) open.reasons.detached.reset();
  }
  void take(const engine::Unlinked& e, const Made&) {
    sessions_[e.session].links.erase({e.node, e.connection});
  }
  void take(const engine::Detached& e, const Made& made) {
    sessions_[e.session].reasons.detached = made;
  }
  void take(const engine::Touched& e, const Made& made) {
    SessionReasons& reasons = sessions_[e.session].reasons;
    reasons.active = made;
    reasons.away.reset();
  }
  void take(const engine::TurnedAway& e, const Made& made) {
    sessions_[e.session].reasons.away = made;
  }
  void take(const engine::Seen&, const Made&) {}  // an older one does not count
  void take(const engine::Overridden& e, const Made& made) {
    status_ = e.status == 0 ? std::optional<Made>() : made;
  }
  void take(const engine::MemberIn& e, const Made& made) { members_[e.channel] = made; }
  void take(const engine::MemberOut& e, const Made&) { members_.erase(e.channel); }

  engine::State state_;
  UserNumber user_;
  RuleFinder finder_;
  engine::Effects effects_;
  std::vector<engine::Transition> transitions_;
  std::optional<Made> since_, status_, seen_;
  std::map<Seq, Open> sessions_;
  std::map<std::uint64_t, Made> members_;
};

Result<Seq> first_at(const Reader& reader, Micros at, Seq otherwise) {
  if (at == 0) return otherwise;
  const auto seq = reader.log().seq_at(at);
  if (!seq) return seq.error();
  return std::min(otherwise, *seq);
}

/// Not after the first event that made any of what holds, as far as the state tells.
Result<Seq> begin_of(const Reader& reader, const engine::User& user, Seq end) {
  Seq out = end;
  if (!user.sessions.empty()) out = std::min(out, user.sessions.front());
  if (user.status_seq != 0) out = std::min(out, user.status_seq);
  for (const Micros at : {user.since, user.last_seen}) {
    const auto seq = first_at(reader, at, out);
    if (!seq) return seq;
    out = *seq;
  }
  return out;
}

Result<Explanation> fold_from(const Reader& reader, const AsOf& moment,
                              const engine::State& at_moment, UserNumber user, Seq begin) {
  auto before = state_at(reader, begin - 1);
  if (!before) return before.error();
  Tracker tracker(only(std::move(before->state), user), user);
  if (begin <= moment.seq)
    RC_TRY(reader.log().scan(begin, moment.seq, [&](const Header& h, store::ByteView) {
      if (h.user == 0 || h.user == user) tracker.apply(h, true);
      return true;
    }));
  if (at_moment.seq > moment.seq) tracker.conclude(moment.at);
  return std::move(tracker).explanation();
}

/// Where what is still unexplained came about; `begin` if nothing is.
Seq earlier_begin(const Reader& reader, const Explanation& found, const engine::User& user,
                  UserNumber number, Seq begin) {
  Seq out = begin;
  for (const engine::Attendance& at : user.attendance) {
    const bool known = std::any_of(found.members.begin(), found.members.end(),
                                   [&](const auto& member) { return member.first == at.channel; });
    if (!known) out = std::min(out, reader.enrolled_at(number));
  }
  // A session that is closed by now: what its end was concluded from.
  if (found.since && found.since->by.user == number && found.since->by.session != 0)
    out = std::min<Seq>(out, found.since->by.session);
  return std::max<Seq>(out, 1);
}

}  // namespace

Result<Explanation> explain(const Reader& reader, const AsOf& moment,
                            const engine::State& at_moment, UserNumber user) {
  const engine::User& is = at_moment.users[user];
  const auto first = begin_of(reader, is, moment.seq + 1);
  if (!first) return first.error();
  auto out = fold_from(reader, moment, at_moment, user, *first);
  if (!out) return out;
  const Seq begin = earlier_begin(reader, *out, is, user, *first);
  if (begin < *first) out = fold_from(reader, moment, at_moment, user, begin);
  if (!out) return out;
  const engine::User& told = out->state.users[user];
  if (told.state != is.state || told.since != is.since || told.sessions != is.sessions ||
      told.manual != is.manual || told.attendance != is.attendance)
    return Error{Errc::Diverged,
                 fmt::format("the events of user #{} alone give another state than the whole log: "
                             "run `rollcall verify --full --replay`",
                             user)};
  return out;
}

}  // namespace rollcall::replay
