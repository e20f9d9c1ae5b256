// The rules of presence, one function a kind.
#include "engine/reducer.h"

#include "engine/attendance.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace rollcall::engine {
namespace {

/// Users whom one event touched beside its own: filled by the rules, folded once at the end.
using AlsoTouched = std::vector<UserNumber>;

User& user_at(State& state, UserNumber number) {
  if (number >= state.users.size()) state.users.resize(static_cast<std::size_t>(number) + 1);
  return state.users[number];
}

Session* find_session(State& state, Seq id) {
  const auto it = state.sessions.find(id);
  return it == state.sessions.end() ? nullptr : &it->second;
}

void mark_dirty(State& state, UserNumber number) {
  const std::size_t page = number / kUsersPerPage;
  if (page >= state.dirty_pages.size()) state.dirty_pages.resize(page + 1, 0);
  state.dirty_pages[page] = 1;
}

void close_session(State& state, UserNumber number, Seq id, const Emit& emit) {
  state.sessions.erase(id);
  std::erase(state.users[number].sessions, id);
  emit(number, SessionClosed{id});
}

void close_all(State& state, UserNumber number, const Emit& emit) {  // in id order: C12
  for (const Seq id : std::vector<Seq>(state.users[number].sessions))
    close_session(state, number, id, emit);
}

bool newer(std::uint64_t producer_no, const Session& session) {
  return producer_no == 0 || producer_no > session.producer_no;
}

void detach(Session& session, Cause reason, Micros at, const Emit& emit) {
  session.detached = true;
  session.detached_reason = reason;
  session.detached_from = at;
  ++session.det_rev;
  emit(session.user, Detached{session.id, reason});
}

void activate(Session& session, const Header& e, const ActivityFields& fields, const Emit& emit) {
  const bool woke = std::exchange(session.away, false);
  ++session.act_rev;
  const Micros active = fields.active_at(e.at);  // a touch told late is active until then
  session.last_activity_at = std::max(session.last_activity_at, active);
  session.idle_from = std::max(session.idle_from, active);
  if (fields.producer_no != 0) session.producer_no = fields.producer_no;
  if (session.detached) {  // S21: the grace starts anew
    ++session.det_rev;
    session.detached_from = e.at;
  }
  emit(e.user, Touched{session.id, woke});
  emit(e.user, Seen{active});
}

Outcome login(State& state, const Header& e, const Emit& emit) {
  User& user = state.users[e.user];
  const auto key = login_of(e);
  if (key.has_key()) {
    for (const Seq id : user.sessions) {
      const Session& open = state.sessions.at(id);
      if (open.tag_high == key.tag_high && open.tag_low == key.tag_low)
        return Outcome::Duplicate;  // S02
    }
  }
  Session session;
  session.id = e.seq;
  session.user = e.user;
  session.tag_high = key.tag_high;
  session.tag_low = key.tag_low;
  session.opened_at = session.last_activity_at = session.idle_from = e.at;
  session.act_rev = 1;
  state.sessions.emplace(e.seq, std::move(session));
  user.sessions.push_back(e.seq);  // seqs ascend, so the list stays sorted
  user.last_seen = e.at;
  emit(e.user, SessionOpened{e.seq});
  emit(e.user, Seen{e.at});
  return Outcome::Applied;
}

/// Ends a session by a conclusion of a timer: only if nothing happened since its basis.
Outcome concluded_logout(const Session& session, const Header& e) {
  const std::uint64_t basis = logout_of(e).basis;
  if (e.cause == Cause::GraceExpired) {  // S19, S20
    return session.detached && basis == session.det_rev ? Outcome::Applied : Outcome::BadBasis;
  }
  return !session.ever_linked && basis == session.act_rev ? Outcome::Applied    // S23
                                                          : Outcome::BadBasis;  // S24
}

Outcome logout(State& state, const Header& e, const Emit& emit) {
  User& user = state.users[e.user];
  const bool by_timer = e.cause == Cause::GraceExpired || e.cause == Cause::TtlExpired;
  if (e.session == 0) {
    if (user.sessions.empty()) return Outcome::UnknownSession;
    if (by_timer) return Outcome::BadBasis;
    close_all(state, e.user, emit);
  } else {
    Session* session = find_session(state, e.session);
    if (session == nullptr) return Outcome::UnknownSession;  // S12
    if (session->user != e.user) return Outcome::WrongUser;  // S28
    if (by_timer) {
      const Outcome verdict = concluded_logout(*session, e);
      if (verdict != Outcome::Applied) return verdict;
    }
    close_session(state, e.user, e.session, emit);
  }
  if (e.cause == Cause::Logout) {
    user.last_seen = e.at;
    emit(e.user, Seen{e.at});
  }
  return Outcome::Applied;
}

Outcome activity(State& state, const Header& e, const Emit& emit) {
  User& user = state.users[e.user];
  Session* session = nullptr;
  if (e.session == 0) {
    if (user.sessions.empty()) return Outcome::Applied;  // logged, changes no state
    session = find_session(state, activity_session(state, e.user));
  } else {
    session = find_session(state, e.session);
    if (session == nullptr) return Outcome::UnknownSession;  // S06
    if (session->user != e.user) return Outcome::WrongUser;
  }
  const auto fields = activity_of(e);
  if (!newer(fields.producer_no, *session)) return Outcome::Stale;  // S05
  activate(*session, e, fields, emit);
  user.last_seen = std::max(user.last_seen, session->last_activity_at);
  return Outcome::Applied;
}

Outcome inactivity(State& state, const Header& e, const Emit& emit) {
  Session* session = find_session(state, e.session);
  if (session == nullptr) return Outcome::UnknownSession;  // S29
  if (session->user != e.user) return Outcome::WrongUser;
  if (session->away) return Outcome::Same;  // S09
  const auto idle = idle_of(e);
  if (e.cause == Cause::ClientHint) {
    if (!newer(idle.producer_no, *session)) return Outcome::Stale;
    if (idle.producer_no != 0) session->producer_no = idle.producer_no;
  } else if (idle.basis != session->act_rev) {
    return Outcome::BadBasis;  // S08
  }
  session->away = true;
  emit(e.user, TurnedAway{session->id});
  return Outcome::Applied;
}

bool epoch_is_old(const State& state, std::uint64_t node_epoch) {
  const auto up = state.nodes_open.find(node_of(node_epoch));
  if (up != state.nodes_open.end() && epoch_of(node_epoch) < up->second) return true;
  const auto down = state.nodes_closed.find(node_of(node_epoch));
  return down != state.nodes_closed.end() && epoch_of(node_epoch) <= down->second;
}

Outcome link(State& state, const Header& e, const Emit& emit) {
  Session* session = find_session(state, e.session);
  if (session == nullptr) return Outcome::UnknownSession;
  if (session->user != e.user) return Outcome::WrongUser;
  const auto fields = link_of(e);
  if (epoch_is_old(state, fields.node)) return Outcome::BadEpoch;  // S15
  const Link link{fields.node, fields.connection};
  const auto it = std::lower_bound(session->links.begin(), session->links.end(), link);
  const bool there = it != session->links.end() && *it == link;
  if (e.kind == Kind::LinkUp) {
    if (there) return Outcome::Duplicate;  // S14
    session->links.insert(it, link);
    session->ever_linked = true;
    const bool reattached = session->detached;
    if (reattached) {  // S13
      session->detached = false;
      session->detached_reason = Cause::None;
      ++session->det_rev;
    }
    emit(e.user, Linked{session->id, link.connection, link.node, reattached});
    return Outcome::Applied;
  }
  if (!there) return Outcome::Duplicate;  // S18
  session->links.erase(it);
  emit(e.user, Unlinked{session->id, link.connection, link.node});
  if (session->links.empty()) detach(*session, e.cause, e.at, emit);  // S17
  return Outcome::Applied;
}

/// Takes the links of a node's ended epochs from every session (S25, S26), and what they attended.
void drop_links(State& state, const EndedEpochs& ended, const Header& e, AlsoTouched& touched,
                const Emit& emit) {
  const Cause reason = e.cause == Cause::Drain ? Cause::Drain : Cause::Crash;
  for (UserNumber number = 1; number < state.users.size(); ++number) {
    User& user = state.users[number];
    bool changed = false;
    for (const Seq id : user.sessions) {
      Session& session = state.sessions.at(id);
      const auto gone = std::erase_if(session.links, [&](const Link& link) {
        if (node_of(link.node) != ended.node || epoch_of(link.node) > ended.upto) return false;
        emit(number, Unlinked{id, link.connection, link.node});
        return true;
      });
      if (gone == 0) continue;
      changed = true;
      if (session.links.empty()) detach(session, reason, e.at, emit);
    }
    changed |= end_epochs(user.attendance, number, ended, emit);
    if (changed) touched.push_back(number);
  }
}

/// Moves every open deadline by `delta`: nothing falls due while nobody watched.
void move_deadlines(State& state, Micros delta, bool graces_too) {
  if (delta <= 0) return;
  for (UserNumber number = 1; number < state.users.size(); ++number) {
    User& user = state.users[number];
    if (user.sessions.empty() && user.until == 0) continue;
    if (user.until != 0) user.until = saturating_add(user.until, delta);
    for (const Seq id : user.sessions) {
      Session& session = state.sessions.at(id);
      session.idle_from = saturating_add(session.idle_from, delta);
      if (session.detached && graces_too)
        session.detached_from = saturating_add(session.detached_from, delta);
    }
    mark_dirty(state, number);
  }
}

Outcome node(State& state, const Header& e, AlsoTouched& touched, const Emit& emit) {
  const auto fields = node_change_of(e);
  const NodeChange change = change_of_node(e, state.nodes_open, state.nodes_closed);
  if (!change.valid) return Outcome::BadEpoch;
  if (e.kind == Kind::NodeUp) {
    if (change.ended) drop_links(state, *change.ended, e, touched, emit);
    state.nodes_open[node_of(fields.node)] = epoch_of(fields.node);
    return Outcome::Applied;
  }
  if (e.cause == Cause::Restart && fields.last_heard != 0) {
    const Micros heard = std::max<Micros>(0, fields.last_heard);
    const Micros gap = saturating_add(e.at, -heard);
    for (UserNumber u = 1; u < state.users.size(); ++u) {  // graces running at the crash start anew
      for (const Seq id : state.users[u].sessions) {
        Session& session = state.sessions.at(id);
        if (!session.detached) continue;
        session.detached_from = e.at;
        ++session.det_rev;
        mark_dirty(state, u);
      }
    }
    move_deadlines(state, gap, false);
  }
  drop_links(state, *change.ended, e, touched, emit);
  state.nodes_closed[node_of(fields.node)] = epoch_of(fields.node);
  return Outcome::Applied;
}

Outcome status(State& state, const Header& e, const Emit& emit) {
  User& user = state.users[e.user];
  const Override before = user.manual;
  if (e.kind == Kind::StatusCleared) {
    if (e.cause == Cause::Expired && cleared_of(e).basis != user.override_rev)
      return Outcome::BadBasis;  // U12
    user.manual = Override::None;
    user.do_not_disturb = false;
    user.until = 0;
    user.status_seq = 0;
    ++user.override_rev;
    emit(e.user, Overridden{before, Override::None, false, 0, 0});
    return Outcome::Applied;
  }
  const auto set = status_of(e);
  user.manual = set.manual;
  user.do_not_disturb = set.do_not_disturb;
  user.until = set.until;
  user.status_seq = e.seq;
  ++user.override_rev;
  emit(e.user, Overridden{before, set.manual, set.do_not_disturb, set.until, e.seq});
  return Outcome::Applied;
}

Outcome attendance(State& state, const Header& e, const Emit& emit) {
  User& user = state.users[e.user];
  if (e.kind == Kind::Joined) {
    join(user.attendance, e, emit);
    return Outcome::Applied;
  }
  return leave(user.attendance, e, emit) ? Outcome::Applied : Outcome::Duplicate;
}

Presence derive(const State& state, const User& user) {
  if (user.sessions.empty()) return Presence::Offline;
  const bool on = std::any_of(user.sessions.begin(), user.sessions.end(),
                              [&](Seq id) { return !state.sessions.at(id).away; });
  return on ? Presence::Online : Presence::Away;
}

/// Recomputes the three layers of one user and tells what changed (docs/presence.md, section 3).
void fold(State& state, UserNumber number, const Header& e, std::vector<Transition>& out) {
  User& user = state.users[number];
  const Presence before = user.state;
  const Presence visible_before = user.visible;
  user.derived = derive(state, user);
  user.state = user.derived == Presence::Offline ? Presence::Offline
               : user.manual == Override::Away   ? Presence::Away
                                                 : user.derived;
  user.visible = user.manual == Override::Invisible ? Presence::Offline : user.state;
  if (user.state == before && user.visible == visible_before) return;
  if (user.state != before) user.since = e.at;
  Transition t{number, e.seq, 0, before, user.state, visible_before, user.visible, e.kind, e.cause};
  if (before == Presence::Offline && user.state == Presence::Away) {  // no edge: login, inactivity
    t.to = Presence::Online;
    out.push_back(t);
    t.ordinal = 1;
    t.from = Presence::Online;
    t.to = Presence::Away;
  }
  out.push_back(t);
}

}  // namespace

std::string_view name_of(Outcome outcome) {
  constexpr std::string_view kNames[] = {"applied",         "duplicate",    "stale",
                                         "unknown_session", "unknown_user", "bad_basis",
                                         "bad_epoch",       "same",         "wrong_user"};
  const auto i = static_cast<std::size_t>(outcome);
  return i < std::size(kNames) ? kNames[i] : "unknown";
}

std::optional<std::string> order_fault(const State& state, const Header& e) {
  if (e.seq != state.seq + 1) {
    return "expected seq " + std::to_string(state.seq + 1) + ", found " + std::to_string(e.seq);
  }
  if (e.at < state.at) {
    return "time runs back at seq " + std::to_string(e.seq) + ": " + std::to_string(e.at) +
           " after " + std::to_string(state.at);
  }
  return std::nullopt;
}

Outcome apply(State& state, const Header& e, std::vector<Transition>& transitions,
              Effects* effects) {
  if (e.seq <= state.seq) return Outcome::Duplicate;  // C07: delivered twice
  state.seq = e.seq;
  state.at = e.at;
  // A damaged or hostile number must not become an allocation of gigabytes: numbers are dense, so
  // only an enrolment may name the next one.
  const bool known =
      e.user < state.users.size() || (e.kind == Kind::UserEnrolled && e.user == state.users.size());
  if (!known) return Outcome::UnknownUser;
  User& user = user_at(state, e.user);
  user.last_seq = e.seq;
  mark_dirty(state, e.user);
  if (user.erased) return Outcome::UnknownUser;  // C21
  AlsoTouched touched;
  const Emit emit(effects, e);
  Outcome outcome = Outcome::Applied;
  switch (e.kind) {
    case Kind::UserEnrolled:
      user.enrolled = true;
      emit(e.user, UserKnown{});
      break;
    case Kind::Login:
      outcome = login(state, e, emit);
      break;
    case Kind::Logout:
      outcome = logout(state, e, emit);
      break;
    case Kind::Activity:
      outcome = activity(state, e, emit);
      break;
    case Kind::Inactivity:
      outcome = inactivity(state, e, emit);
      break;
    case Kind::LinkUp:
    case Kind::LinkDown:
      outcome = link(state, e, emit);
      break;
    case Kind::NodeUp:
    case Kind::NodeDown:
      outcome = node(state, e, touched, emit);
      break;
    case Kind::StatusSet:
    case Kind::StatusCleared:
      outcome = status(state, e, emit);
      break;
    case Kind::Joined:
    case Kind::Left:
      outcome = attendance(state, e, emit);
      break;
    case Kind::PolicySet:
      state.policy = policy_of(e).policy();
      break;
    case Kind::ClockStep: {
      const auto clock = clock_of(e);
      state.clock_offset = clock.after;
      move_deadlines(state, clock.step(), true);
      break;
    }
    case Kind::UserErased:
      emit(e.user, UserForgotten{});
      close_all(state, e.user, emit);
      leave_all(user.attendance, e.user, emit);
      user.manual = Override::None;
      user.do_not_disturb = false;
      user.until = 0;
      user.erased = true;
      break;
    case Kind::None:
    case Kind::ActionNamed:
    case Kind::ChannelNamed:
    case Kind::StateDigest:
    case Kind::AliveMark:
    case Kind::EraseRequested:
    case Kind::HoldSet:
    case Kind::HoldReleased:
    case Kind::HistoryRead:
    case Kind::RetentionApplied:
    case Kind::ImportBegan:
    case Kind::ImportEnded:
    case Kind::LogContinued:
      break;  // facts for people; the state has no part in them
  }
  if (outcome == Outcome::Applied && e.user != 0) fold(state, e.user, e, transitions);
  for (const UserNumber number : touched) {
    mark_dirty(state, number);
    fold(state, number, e, transitions);
  }
  return outcome;
}

}  // namespace rollcall::engine
