// The tables of docs/presence.md, row by row. Their numbers stand beside the code.
#include "tests/simulation/plain_model.h"

#include <algorithm>
#include <string>
#include <tuple>

namespace rollcall::test {

using engine::Cause;
using engine::Header;
using engine::Kind;
using engine::Outcome;
using engine::Override;
using engine::Presence;

namespace {

std::uint32_t node_of(std::uint64_t word) { return static_cast<std::uint32_t>(word >> 32); }
std::uint64_t epoch_of(std::uint64_t word) { return word & 0xFFFFFFFF; }

/// The newest epoch in a table; 0 if there is none, which no process has.
std::uint64_t newest(const std::map<std::uint32_t, std::uint64_t>& epochs, std::uint32_t node) {
  const auto it = epochs.find(node);
  return it == epochs.end() ? 0 : it->second;
}

}  // namespace

std::vector<engine::Seq> PlainModel::sessions_of(UserNumber user) const {
  std::vector<Seq> out;
  for (const auto& [id, session] : sessions_)
    if (session.user == user) out.push_back(id);
  return out;
}

Outcome PlainModel::write(Header event, Micros at, Story& story) {
  event.seq = ++seq_;
  event.at = at_ = std::max(at, at_);
  event.prev = event.user < people_.size() ? people_[event.user].last_seq : 0;
  story.push_back(event);
  if (event.kind == Kind::UserEnrolled) people_.resize(event.user + std::size_t{1});
  people_.at(event.user).last_seq = event.seq;
  const Outcome outcome = happen(event);
  if (outcome == Outcome::Applied)
    for (UserNumber user = 1; user < people_.size(); ++user) recompute(user);
  std::erase_if(touches_, [&](const auto& held) { return !sessions_.contains(held.first); });
  return outcome;
}

Outcome PlainModel::happen(const Header& e) {
  if (people_[e.user].erased) return Outcome::UnknownUser;  // C21
  switch (e.kind) {
    case Kind::UserEnrolled:
      people_[e.user].enrolled = true;
      return Outcome::Applied;
    case Kind::Login:
      return login(e);
    case Kind::Logout:
      return logout(e);
    case Kind::Activity:
      return activity(e);
    case Kind::Inactivity:
      return inactivity(e);
    case Kind::LinkUp:
    case Kind::LinkDown:
      return link(e);
    case Kind::NodeUp:
    case Kind::NodeDown:
      return node(e);
    case Kind::StatusSet:
    case Kind::StatusCleared:
      return status(e);
    case Kind::Joined:
    case Kind::Left:
      return membership(e);
    case Kind::PolicySet:
      policy_.idle_after_ms = static_cast<std::uint32_t>(e.a);
      policy_.ttl_s = static_cast<std::uint32_t>(e.a >> 32);
      policy_.grace_clean_s = static_cast<std::uint16_t>(e.b);
      policy_.grace_abort_s = static_cast<std::uint16_t>(e.b >> 16);
      policy_.grace_node_s = static_cast<std::uint16_t>(e.b >> 32);
      policy_.grace_drain_s = static_cast<std::uint16_t>(e.b >> 48);
      policy_.sessions_max = static_cast<std::uint32_t>(e.c);
      return Outcome::Applied;
    case Kind::UserErased: {
      for (const Seq id : sessions_of(e.user)) sessions_.erase(id);
      Person& person = people_[e.user];
      person.attends.clear();
      person.manual = Override::None;
      person.do_not_disturb = false;
      person.until = 0;
      person.erased = true;
      return Outcome::Applied;
    }
    case Kind::ClockStep:
      clock_offset_ = static_cast<Micros>(e.b);
      move_deadlines(static_cast<Micros>(e.b - e.a), true);
      return Outcome::Applied;
    default:
      return Outcome::Applied;
  }
}

Outcome PlainModel::login(const Header& e) {
  for (const Seq id : sessions_of(e.user))
    if (sessions_.at(id).tag == std::pair(e.a, e.b) && (e.a | e.b) != 0) return Outcome::Duplicate;
  Session s;  // S01
  s.user = e.user;
  s.tag = {e.a, e.b};
  s.opened_at = s.last_activity_at = s.idle_from = e.at;
  sessions_[e.seq] = s;
  people_[e.user].last_seen = e.at;
  return Outcome::Applied;
}

Outcome PlainModel::logout(const Header& e) {
  const bool grace = e.cause == Cause::GraceExpired, ttl = e.cause == Cause::TtlExpired;
  if (e.session == 0) {
    const auto open = sessions_of(e.user);
    if (open.empty()) return Outcome::UnknownSession;
    if (grace || ttl) return Outcome::BadBasis;
    for (const Seq id : open) sessions_.erase(id);
  } else {
    const auto it = sessions_.find(e.session);
    if (it == sessions_.end()) return Outcome::UnknownSession;  // S12
    const Session& s = it->second;
    if (s.user != e.user) return Outcome::WrongUser;
    if (grace && !(s.detached && e.a == s.det_rev)) return Outcome::BadBasis;  // S20
    if (ttl && (s.ever_linked || e.a != s.act_rev)) return Outcome::BadBasis;  // S24
    sessions_.erase(it);                                                       // S11, S19, S23
  }
  if (e.cause == Cause::Logout) people_[e.user].last_seen = e.at;
  return Outcome::Applied;
}

Outcome PlainModel::activity(const Header& e) {
  Seq id = e.session;
  if (id == 0) {  // C20: the most recently active one
    for (const Seq open : sessions_of(e.user))
      if (id == 0 || sessions_.at(open).last_activity_at >= sessions_.at(id).last_activity_at)
        id = open;
    if (id == 0) return Outcome::Applied;
  }
  const auto it = sessions_.find(id);
  if (it == sessions_.end()) return Outcome::UnknownSession;  // S06
  Session& s = it->second;
  if (s.user != e.user) return Outcome::WrongUser;              // S28
  if (e.b != 0 && e.b <= s.producer_no) return Outcome::Stale;  // S05
  const auto told = static_cast<Micros>(e.d);
  const Micros active = told > 0 && told < e.at ? told : e.at;
  s.away = false;  // S03, S04
  ++s.act_rev;
  s.last_activity_at = std::max(s.last_activity_at, active);
  s.idle_from = std::max(s.idle_from, active);
  if (e.b != 0) s.producer_no = e.b;
  if (s.detached) {  // S21
    ++s.det_rev;
    s.detached_from = e.at;
  }
  Person& person = people_[e.user];
  person.last_seen = std::max(person.last_seen, s.last_activity_at);
  return Outcome::Applied;
}

Outcome PlainModel::inactivity(const Header& e) {
  const auto it = sessions_.find(e.session);
  if (it == sessions_.end()) return Outcome::UnknownSession;  // S29
  Session& s = it->second;
  if (s.user != e.user) return Outcome::WrongUser;
  if (s.away) return Outcome::Same;  // S09
  if (e.cause == Cause::ClientHint) {
    if (e.c != 0 && e.c <= s.producer_no) return Outcome::Stale;
    if (e.c != 0) s.producer_no = e.c;
  } else if (e.a != s.act_rev) {
    return Outcome::BadBasis;  // S08
  }
  s.away = true;  // S07, S10
  return Outcome::Applied;
}

void PlainModel::detach(Session& s, Cause reason) {
  s.detached = true;
  s.detached_reason = reason;
  s.detached_from = at_;
  ++s.det_rev;
}

Outcome PlainModel::link(const Header& e) {
  const auto it = sessions_.find(e.session);
  if (it == sessions_.end()) return Outcome::UnknownSession;  // S29
  Session& s = it->second;
  if (s.user != e.user) return Outcome::WrongUser;
  const std::uint32_t node = node_of(e.b);
  const std::uint64_t epoch = epoch_of(e.b);
  if (epoch < newest(opened_, node) || epoch <= newest(closed_, node))
    return Outcome::BadEpoch;  // S15
  const std::pair<std::uint64_t, std::uint64_t> what(e.b, e.a);
  if (e.kind == Kind::LinkUp) {
    if (!s.links.insert(what).second) return Outcome::Duplicate;  // S14
    s.ever_linked = true;
    if (s.detached) {  // S13
      s.detached = false;
      s.detached_reason = Cause::None;
      ++s.det_rev;
    }
    return Outcome::Applied;
  }
  if (s.links.erase(what) == 0) return Outcome::Duplicate;  // S18
  if (s.links.empty()) detach(s, e.cause);                  // S17
  return Outcome::Applied;
}

void PlainModel::end_node(std::uint32_t node, std::uint64_t upto, Cause reason) {
  const auto ended = [&](std::uint64_t word) {
    return node_of(word) == node && epoch_of(word) <= upto;
  };
  for (auto& [id, s] : sessions_) {
    const auto gone = std::erase_if(s.links, [&](const auto& link) { return ended(link.first); });
    if (gone != 0 && s.links.empty()) detach(s, reason);  // S25
  }
  for (Person& person : people_)
    std::erase_if(person.attends, [&](const auto& a) { return ended(a.first.second); });
}

Outcome PlainModel::node(const Header& e) {
  const std::uint32_t node = node_of(e.a);
  const std::uint64_t epoch = epoch_of(e.a);
  if (epoch <= newest(closed_, node)) return Outcome::BadEpoch;  // S30
  if (e.kind == Kind::NodeUp) {
    if (epoch <= newest(opened_, node)) return Outcome::BadEpoch;
    end_node(node, epoch - 1, Cause::Crash);  // S26
    opened_[node] = epoch;
    return Outcome::Applied;
  }
  if (e.cause == Cause::Restart && e.b != 0) {  // C15
    for (auto& [id, s] : sessions_)
      if (s.detached) {
        s.detached_from = e.at;
        ++s.det_rev;
      }
    move_deadlines(e.at - static_cast<Micros>(e.b), false);
  }
  end_node(node, epoch, e.cause == Cause::Drain ? Cause::Drain : Cause::Crash);
  closed_[node] = epoch;
  return Outcome::Applied;
}

Outcome PlainModel::status(const Header& e) {
  Person& person = people_[e.user];
  if (e.kind == Kind::StatusCleared && e.cause == Cause::Expired && e.b != person.override_rev)
    return Outcome::BadBasis;  // U12
  const bool set = e.kind == Kind::StatusSet;
  const int manual = set ? e.flags & 3 : 0;
  person.manual = manual == 1 ? Override::Away : manual == 2 ? Override::Invisible : Override::None;
  person.do_not_disturb = set && (e.flags & 4) != 0;
  person.until = set ? static_cast<Micros>(e.a) : 0;
  person.status_seq = set ? e.seq : 0;
  ++person.override_rev;
  return Outcome::Applied;
}

Outcome PlainModel::membership(const Header& e) {
  auto& attends = people_[e.user].attends;
  const std::pair<std::uint64_t, std::uint64_t> place(e.a, e.b);
  if (e.kind == Kind::Joined) {
    ++attends[place];
    return Outcome::Applied;
  }
  const auto it = attends.find(place);
  if (it == attends.end()) return Outcome::Duplicate;
  if (--it->second == 0) attends.erase(it);
  return Outcome::Applied;
}

void PlainModel::recompute(UserNumber user) {
  Person& person = people_[user];
  const Presence before = person.state;
  person.derived = Presence::Offline;
  for (const Seq id : sessions_of(user)) {
    if (!sessions_.at(id).away) person.derived = Presence::Online;
    if (person.derived == Presence::Offline) person.derived = Presence::Away;
  }
  person.state = person.derived;
  if (person.derived != Presence::Offline && person.manual == Override::Away)
    person.state = Presence::Away;
  person.visible = person.manual == Override::Invisible ? Presence::Offline : person.state;
  if (person.state != before) person.since = at_;
}

// To compare.

engine::State PlainModel::as_state() const {
  engine::State out;
  out.seq = seq_;
  out.at = at_;
  out.policy = policy_;
  out.clock_offset = clock_offset_;
  out.nodes_open = opened_;
  out.nodes_closed = closed_;
  out.users.resize(people_.size());
  for (UserNumber n = 0; n < people_.size(); ++n) {
    const Person& p = people_[n];
    engine::User& u = out.users[n];
    u.last_seq = p.last_seq;
    u.enrolled = p.enrolled;
    u.erased = p.erased;
    u.manual = p.manual;
    u.do_not_disturb = p.do_not_disturb;
    u.status_seq = p.status_seq;
    u.override_rev = p.override_rev;
    u.until = p.until;
    u.derived = p.derived;
    u.state = p.state;
    u.visible = p.visible;
    u.since = p.since;
    u.last_seen = p.last_seen;
    u.sessions = sessions_of(n);
    for (const auto& [place, count] : p.attends)
      u.attendance.push_back({place.first, place.second, count});
  }
  for (const auto& [id, s] : sessions_) {
    engine::Session& to = out.sessions[id];
    to.id = id;
    to.user = s.user;
    std::tie(to.tag_high, to.tag_low) = s.tag;
    to.away = s.away;
    to.ever_linked = s.ever_linked;
    to.detached = s.detached;
    to.detached_reason = s.detached_reason;
    to.opened_at = s.opened_at;
    to.last_activity_at = s.last_activity_at;
    to.idle_from = s.idle_from;
    to.detached_from = s.detached_from;
    to.act_rev = s.act_rev;
    to.det_rev = s.det_rev;
    to.producer_no = s.producer_no;
    for (const auto& [node, connection] : s.links) to.links.push_back({node, connection});
  }
  return out;
}

std::string PlainModel::difference(const engine::State& state) const {
  if (state.users.size() != people_.size()) return "the number of users";
  const engine::State mine = as_state();
  for (UserNumber n = 1; n < people_.size(); ++n) {
    const auto& is = state.users[n];
    const auto& should = mine.users[n];
    const std::string who = "user #" + std::to_string(n) + ": ";
    if (is.state != should.state || is.visible != should.visible)
      return who + std::string(name_of(is.state)) + " and shown as " +
             std::string(name_of(is.visible)) + ", should be " +
             std::string(name_of(should.state)) + " and " + std::string(name_of(should.visible));
    if (is.sessions != should.sessions) return who + "open sessions";
    if (is.since != should.since) return who + "since when";
    if (is.last_seen != should.last_seen) return who + "last seen";
    for (const Seq id : is.sessions)
      if (state.sessions.at(id).away != mine.sessions.at(id).away)
        return who + "session " + std::to_string(id) + " is or is not away";
    std::vector<std::uint8_t> left, right;
    engine::write_user(state, n, left);
    engine::write_user(mine, n, right);
    if (left != right) return who + "a detail of the record";
  }
  std::vector<std::uint8_t> left, right;
  for (std::uint32_t page = 0; page < engine::page_count(state); ++page) {
    engine::write_page(state, page, left);
    engine::write_page(mine, page, right);
  }
  return left == right ? std::string() : "policy, clock or nodes";
}

}  // namespace rollcall::test
