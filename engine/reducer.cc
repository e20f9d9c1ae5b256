// The rules of presence, one function a kind.
#include "engine/reducer.h"

#include <algorithm>

namespace rollcall::engine {
namespace {

/// What one event touched: filled by the rules, folded once at the end.
struct Touched {
  std::vector<UserNumber> users;
  void add(UserNumber number) { users.push_back(number); }
};

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

void close_session(State& state, User& user, Seq id) {
  state.sessions.erase(id);
  std::erase(user.sessions, id);
}

bool newer(std::uint64_t producer_no, const Session& session) {
  return producer_no == 0 || producer_no > session.producer_no;
}

void detach(Session& session, Cause reason, Micros at) {
  session.detached = true;
  session.detached_reason = reason;
  session.detached_from = at;
  ++session.det_rev;
}

void activate(Session& session, const Header& e) {
  session.away = false;
  ++session.act_rev;
  const auto fields = activity_of(e);
  const Micros active = fields.active_at(e.at);  // a touch told late is active until then
  session.last_activity_at = std::max(session.last_activity_at, active);
  session.idle_from = std::max(session.idle_from, active);
  if (fields.producer_no != 0) session.producer_no = fields.producer_no;
  if (session.detached) {  // S21: the grace starts anew
    ++session.det_rev;
    session.detached_from = e.at;
  }
}

Outcome login(State& state, const Header& e) {
  User& user = user_at(state, e.user);
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

Outcome logout(State& state, const Header& e) {
  User& user = user_at(state, e.user);
  const bool by_timer = e.cause == Cause::GraceExpired || e.cause == Cause::TtlExpired;
  if (e.session == 0) {
    if (user.sessions.empty()) return Outcome::UnknownSession;
    if (by_timer) return Outcome::BadBasis;
    for (const Seq id : std::vector<Seq>(user.sessions)) close_session(state, user, id);  // C12
  } else {
    Session* session = find_session(state, e.session);
    if (session == nullptr) return Outcome::UnknownSession;  // S12
    if (session->user != e.user) return Outcome::WrongUser;  // S28
    if (by_timer) {
      const Outcome verdict = concluded_logout(*session, e);
      if (verdict != Outcome::Applied) return verdict;
    }
    close_session(state, user, e.session);
  }
  if (e.cause == Cause::Logout) user.last_seen = e.at;
  return Outcome::Applied;
}

Outcome activity(State& state, const Header& e) {
  User& user = user_at(state, e.user);
  Session* session = nullptr;
  if (e.session == 0) {
    if (user.sessions.empty()) return Outcome::Applied;  // logged, changes no state
    session = find_session(state, activity_session(state, e.user));
  } else {
    session = find_session(state, e.session);
    if (session == nullptr) return Outcome::UnknownSession;  // S06
    if (session->user != e.user) return Outcome::WrongUser;
  }
  if (!newer(activity_of(e).producer_no, *session)) return Outcome::Stale;  // S05
  activate(*session, e);
  user.last_seen = std::max(user.last_seen, session->last_activity_at);
  return Outcome::Applied;
}

Outcome inactivity(State& state, const Header& e) {
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
  return Outcome::Applied;
}

bool epoch_is_old(const State& state, std::uint64_t node_epoch) {
  const auto up = state.nodes_open.find(node_of(node_epoch));
  if (up != state.nodes_open.end() && epoch_of(node_epoch) < up->second) return true;
  const auto down = state.nodes_closed.find(node_of(node_epoch));
  return down != state.nodes_closed.end() && epoch_of(node_epoch) <= down->second;
}

Outcome link(State& state, const Header& e) {
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
    if (session->detached) {  // S13
      session->detached = false;
      session->detached_reason = Cause::None;
      ++session->det_rev;
    }
    return Outcome::Applied;
  }
  if (!there) return Outcome::Duplicate;  // S18
  session->links.erase(it);
  if (session->links.empty()) detach(*session, e.cause, e.at);  // S17
  return Outcome::Applied;
}

/// Takes the links of a node's epochs up to `epoch` from every session (S25, S26).
void drop_links(State& state, std::uint32_t node, std::uint64_t epoch, const Header& e,
                Touched& touched) {
  const Cause reason = e.cause == Cause::Drain ? Cause::Drain : Cause::Crash;
  for (UserNumber number = 1; number < state.users.size(); ++number) {
    User& user = state.users[number];
    bool changed = false;
    for (const Seq id : user.sessions) {
      Session& session = state.sessions.at(id);
      const auto gone = std::erase_if(session.links, [&](const Link& link) {
        return node_of(link.node) == node && epoch_of(link.node) <= epoch;
      });
      if (gone == 0) continue;
      changed = true;
      if (session.links.empty()) detach(session, reason, e.at);
    }
    changed |= std::erase_if(user.attendance, [&](const Attendance& a) {
                 return node_of(a.node) == node && epoch_of(a.node) <= epoch;
               }) != 0;
    if (changed) touched.add(number);
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

Outcome node(State& state, const Header& e, Touched& touched) {
  const auto fields = node_change_of(e);
  const std::uint32_t number = node_of(fields.node);
  const std::uint64_t epoch = epoch_of(fields.node);
  const auto closed = state.nodes_closed.find(number);
  if (closed != state.nodes_closed.end() && epoch <= closed->second)
    return Outcome::BadEpoch;  // S30
  if (e.kind == Kind::NodeUp) {
    const auto open = state.nodes_open.find(number);
    if (open != state.nodes_open.end() && epoch <= open->second) return Outcome::BadEpoch;
    if (epoch > 0) drop_links(state, number, epoch - 1, e, touched);
    state.nodes_open[number] = epoch;
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
  drop_links(state, number, epoch, e, touched);
  state.nodes_closed[number] = epoch;
  return Outcome::Applied;
}

Outcome status(State& state, const Header& e) {
  User& user = user_at(state, e.user);
  if (e.kind == Kind::StatusCleared) {
    if (e.cause == Cause::Expired && cleared_of(e).basis != user.override_rev)
      return Outcome::BadBasis;  // U12
    user.manual = Override::None;
    user.do_not_disturb = false;
    user.until = 0;
    user.status_seq = 0;
    ++user.override_rev;
    return Outcome::Applied;
  }
  const auto set = status_of(e);
  user.manual = set.manual;
  user.do_not_disturb = set.do_not_disturb;
  user.until = set.until;
  user.status_seq = e.seq;
  ++user.override_rev;
  return Outcome::Applied;
}

Outcome attendance(State& state, const Header& e) {
  User& user = user_at(state, e.user);
  const auto fields = member_of(e);
  const Attendance key{fields.channel, fields.node, 0};
  auto it =
      std::lower_bound(user.attendance.begin(), user.attendance.end(), key,
                       [](const Attendance& x, const Attendance& y) {
                         return x.channel != y.channel ? x.channel < y.channel : x.node < y.node;
                       });
  const bool there =
      it != user.attendance.end() && it->channel == key.channel && it->node == key.node;
  if (e.kind == Kind::Joined) {
    if (there)
      ++it->count;
    else
      user.attendance.insert(it, Attendance{key.channel, key.node, 1});
    return Outcome::Applied;
  }
  if (!there) return Outcome::Duplicate;
  if (--it->count == 0) user.attendance.erase(it);
  return Outcome::Applied;
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
  switch (outcome) {
    case Outcome::Applied:
      return "applied";
    case Outcome::Duplicate:
      return "duplicate";
    case Outcome::Stale:
      return "stale";
    case Outcome::UnknownSession:
      return "unknown_session";
    case Outcome::UnknownUser:
      return "unknown_user";
    case Outcome::BadBasis:
      return "bad_basis";
    case Outcome::BadEpoch:
      return "bad_epoch";
    case Outcome::Same:
      return "same";
    case Outcome::WrongUser:
      return "wrong_user";
  }
  return "unknown";
}

Seq activity_session(const State& state, UserNumber number) {
  const User* user = state.find(number);
  if (user == nullptr || user->sessions.empty()) return 0;
  Seq best = user->sessions.front();
  for (const Seq id : user->sessions) {
    if (state.sessions.at(id).last_activity_at >= state.sessions.at(best).last_activity_at)
      best = id;
  }
  return best;
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

Outcome apply(State& state, const Header& e, std::vector<Transition>& transitions) {
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
  Touched touched;
  Outcome outcome = Outcome::Applied;
  switch (e.kind) {
    case Kind::UserEnrolled:
      user.enrolled = true;
      break;
    case Kind::Login:
      outcome = login(state, e);
      break;
    case Kind::Logout:
      outcome = logout(state, e);
      break;
    case Kind::Activity:
      outcome = activity(state, e);
      break;
    case Kind::Inactivity:
      outcome = inactivity(state, e);
      break;
    case Kind::LinkUp:
    case Kind::LinkDown:
      outcome = link(state, e);
      break;
    case Kind::NodeUp:
    case Kind::NodeDown:
      outcome = node(state, e, touched);
      break;
    case Kind::StatusSet:
    case Kind::StatusCleared:
      outcome = status(state, e);
      break;
    case Kind::Joined:
    case Kind::Left:
      outcome = attendance(state, e);
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
      for (const Seq id : std::vector<Seq>(user.sessions)) close_session(state, user, id);
      user.attendance.clear();
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
  for (const UserNumber number : touched.users) {
    mark_dirty(state, number);
    fold(state, number, e, transitions);
  }
  return outcome;
}

}  // namespace rollcall::engine
