// Time in the plain model: what falls due, and what the writer may be asked for.
#include "tests/simulation/plain_model.h"

#include <algorithm>

namespace rollcall::test {

using engine::Cause;
using engine::Header;
using engine::Kind;
using engine::Outcome;

namespace {

constexpr engine::Micros kSec = 1'000'000;
constexpr engine::Micros kTouchLoggedEvery = 60 * kSec;

/// The newest epoch in a table; 0 if there is none, which no process has.
std::uint64_t newest(const std::map<std::uint32_t, std::uint64_t>& epochs, std::uint32_t node) {
  const auto it = epochs.find(node);
  return it == epochs.end() ? 0 : it->second;
}

}  // namespace

engine::Micros PlainModel::grace_of(const Session& session) const {
  switch (session.detached_reason) {
    case Cause::Clean:
      return policy_.grace_clean_s * kSec;
    case Cause::Drain:
      return policy_.grace_drain_s * kSec;
    case Cause::Crash:
      return policy_.grace_node_s * kSec;
    default:  // abort, timeout
      return policy_.grace_abort_s * kSec;
  }
}

std::optional<PlainModel::Due> PlainModel::first_due() const {
  std::optional<Due> first;
  const auto see = [&](const Due& due) {
    if (!first || due < *first) first = due;
  };
  for (UserNumber user = 1; user < people_.size(); ++user)
    if (people_[user].until != 0) see({people_[user].until, user, 0, Timer::StatusCleared});
  for (const auto& [id, s] : sessions_) {
    if (!s.away)
      see({s.idle_from + Micros{policy_.idle_after_ms} * 1000, s.user, id, Timer::Inactivity});
    if (s.detached) see({s.detached_from + grace_of(s), s.user, id, Timer::Logout});
    if (!s.ever_linked && policy_.ttl_s != 0)
      see({s.idle_from + Micros{policy_.ttl_s} * kSec, s.user, id, Timer::Logout});
  }
  return first;
}

Header PlainModel::touch_event(Seq session, Micros until) const {
  Header h;
  h.kind = Kind::Activity;
  h.flags = engine::flag::kTouch;
  h.user = sessions_.at(session).user;
  h.session = session;
  h.d = static_cast<std::uint64_t>(until);
  return h;
}

void PlainModel::conclude(Micros at, Story& story) {
  for (auto due = first_due(); due && due->at < at; due = first_due()) {
    Header h;
    h.user = due->user;
    h.session = due->session;
    if (due->timer == Timer::StatusCleared) {
      h.kind = Kind::StatusCleared;
      h.cause = Cause::Expired;
      h.b = people_[due->user].override_rev;
    } else if (const Session& s = sessions_.at(due->session); due->timer == Timer::Logout) {
      h.kind = Kind::Logout;
      h.cause = s.ever_linked ? Cause::GraceExpired : Cause::TtlExpired;
      h.a = s.ever_linked ? s.det_rev : s.act_rev;
    } else if (const auto held = touches_.find(due->session);
               held != touches_.end() && held->second > s.last_activity_at) {
      // He was there meanwhile, and nobody wrote it down.
      h = touch_event(due->session, held->second);
      touches_.erase(held);
    } else {
      h.kind = Kind::Inactivity;
      h.cause = Cause::IdleTimeout;
      h.a = s.act_rev;
      h.b = static_cast<std::uint64_t>(s.last_activity_at);
    }
    write(h, due->at, story);
  }
}

void PlainModel::move_deadlines(Micros by, bool graces) {
  if (by <= 0) return;
  for (Person& person : people_)
    if (person.until != 0) person.until += by;
  for (auto& [id, session] : sessions_) {
    session.idle_from += by;
    if (graces && session.detached) session.detached_from += by;
  }
}

// What the writer may be asked for.

Outcome PlainModel::append(Header event, Micros at, Story& story) {
  conclude(at, story);
  const Outcome outcome = write(event, at, story);
  if (event.kind != Kind::Login || outcome != Outcome::Applied) return outcome;
  for (auto open = sessions_of(event.user); open.size() > policy_.sessions_max;  // C11
       open = sessions_of(event.user)) {
    const Seq newcomer = open.back();
    Seq oldest = open.front();
    for (const Seq id : open)
      if (id != newcomer &&
          sessions_.at(id).last_activity_at < sessions_.at(oldest).last_activity_at)
        oldest = id;
    Header h;
    h.kind = Kind::Logout;
    h.cause = Cause::Superseded;
    h.user = event.user;
    h.session = oldest;
    write(h, at_, story);
  }
  return outcome;
}

void PlainModel::touch(Seq session, Micros at, Story& story) {
  const Session& s = sessions_.at(session);
  if (!s.away && at - s.last_activity_at < kTouchLoggedEvery)
    touches_[session] = at;
  else
    append(touch_event(session, 0), at, story);
}

void PlainModel::nodes_died(Micros at, Story& story) {
  for (const auto& [node, epoch] : std::map(opened_)) {
    if (newest(closed_, node) >= epoch) continue;
    const Micros heard = at_;
    conclude(heard, story);
    Header h;
    h.kind = Kind::NodeDown;
    h.cause = Cause::Restart;
    h.a = (std::uint64_t{node} << 32) | epoch;
    h.b = static_cast<std::uint64_t>(heard);
    write(h, at, story);
  }
}

std::uint64_t PlainModel::restart(std::uint32_t node, Micros at, Story& story) {  // C15
  const Micros heard = at_;
  conclude(heard, story);
  nodes_died(at, story);
  const std::uint64_t epoch = std::max(newest(opened_, node), newest(closed_, node)) + 1;
  Header h;
  h.kind = Kind::NodeUp;
  h.a = (std::uint64_t{node} << 32) | epoch;
  h.b = static_cast<std::uint64_t>(heard);
  write(h, at, story);
  return h.a;
}

void PlainModel::clock_step(Micros step, Micros at, Story& story) {
  conclude(at, story);
  Header h;
  h.kind = Kind::ClockStep;
  h.a = static_cast<std::uint64_t>(clock_offset_);
  h.b = static_cast<std::uint64_t>(clock_offset_ + step);
  write(h, at, story);
}

void PlainModel::farewell(Micros at, Story& story) {
  conclude(at, story);
  for (const auto& [session, when] : std::exchange(touches_, {}))
    if (const auto it = sessions_.find(session);
        it != sessions_.end() && when > it->second.last_activity_at)
      write(touch_event(session, when), at, story);
  Header h;
  h.kind = Kind::AliveMark;
  h.cause = Cause::Drain;
  write(h, at, story);
}

}  // namespace rollcall::test
