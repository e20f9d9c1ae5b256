// Stamping, timers from state, and the superseding of the oldest session.
#include "engine/sequencer.h"

#include "engine/check.h"

#include <algorithm>
#include <utility>

namespace rollcall::engine {

std::optional<Micros> idle_deadline(const Policy& policy, const Session& session) {
  if (session.away) return std::nullopt;
  return saturating_add(session.idle_from, static_cast<Micros>(policy.idle_after_ms) * 1000);
}

std::optional<Micros> end_deadline(const Policy& policy, const Session& session) {
  constexpr Micros kSecond = 1'000'000;
  if (!session.ever_linked) {
    if (policy.ttl_s == 0) return std::nullopt;  // off
    return saturating_add(session.idle_from, static_cast<Micros>(policy.ttl_s) * kSecond);
  }
  if (!session.detached) return std::nullopt;
  Micros grace = policy.grace_abort_s;
  switch (session.detached_reason) {
    case Cause::Clean:
      grace = policy.grace_clean_s;
      break;
    case Cause::Drain:
      grace = policy.grace_drain_s;
      break;
    case Cause::Crash:
    case Cause::Restart:
      grace = policy.grace_node_s;
      break;
    default:
      break;
  }
  return saturating_add(session.detached_from, grace * kSecond);
}

Sequencer::Sequencer(State state) : state_(std::move(state)) { rearm_all(); }

void Sequencer::rearm_all() {
  std::vector<Deadline> all;
  for (UserNumber number = 1; number < state_.users.size(); ++number) {
    const User& user = state_.users[number];
    if (user.until != 0) all.emplace_back(user.until, number, 0, Timer::StatusCleared);
    for (const Seq id : user.sessions) {
      const Session& session = state_.sessions.at(id);
      if (const auto at = idle_deadline(state_.policy, session))
        all.emplace_back(*at, number, id, Timer::Inactivity);
      if (const auto at = end_deadline(state_.policy, session))
        all.emplace_back(*at, number, id, Timer::Logout);
    }
  }
  deadlines_ = decltype(deadlines_)(std::greater<>(), std::move(all));  // heaped at once: linear
}

void Sequencer::arm_session(const Session& session) {
  arm_idle(session);
  arm_end(session);
}

void Sequencer::arm_idle(const Session& session) {
  if (const auto at = idle_deadline(state_.policy, session)) {
    deadlines_.emplace(*at, session.user, session.id, Timer::Inactivity);
  }
}

void Sequencer::arm_end(const Session& session) {
  if (const auto at = end_deadline(state_.policy, session)) {
    deadlines_.emplace(*at, session.user, session.id, Timer::Logout);
  }
}

std::optional<Micros> Sequencer::deadline_of(const Deadline& entry) const {
  if (entry.timer == Timer::StatusCleared) {
    const User& user = state_.users[entry.user];
    return user.until != 0 ? std::optional<Micros>(user.until) : std::nullopt;
  }
  const auto it = state_.sessions.find(entry.session);
  if (it == state_.sessions.end()) return std::nullopt;
  return entry.timer == Timer::Inactivity ? idle_deadline(state_.policy, it->second)
                                          : end_deadline(state_.policy, it->second);
}

Header Sequencer::conclusion(const Deadline& due) const {
  Header h;
  h.user = due.user;
  h.session = due.session;
  if (due.timer == Timer::StatusCleared) {
    h.kind = Kind::StatusCleared;
    h.cause = Cause::Expired;
    write_fields(h, ClearedFields{state_.users[due.user].override_rev});
    return h;
  }
  const Session& session = state_.sessions.at(due.session);
  if (due.timer == Timer::Inactivity) {
    h.kind = Kind::Inactivity;
    h.cause = Cause::IdleTimeout;
    write_fields(h, IdleFields{session.act_rev, session.last_activity_at});
    return h;
  }
  h.kind = Kind::Logout;
  h.cause = session.ever_linked ? Cause::GraceExpired : Cause::TtlExpired;
  write_fields(h, LogoutFields{session.ever_linked ? session.det_rev : session.act_rev});
  return h;
}

std::optional<Micros> Sequencer::next_deadline() const {
  if (deadlines_.empty()) return std::nullopt;
  return deadlines_.top().at;
}

void Sequencer::place(Header header, Micros at, std::vector<Sequenced>& out,
                      std::vector<Transition>& transitions, Effects* effects) {
  header.seq = state_.seq + 1;
  header.at = std::max(at, state_.at);
  header.prev = header.user < state_.users.size() ? state_.users[header.user].last_seq : 0;
  did_.list.clear();
  const Outcome outcome = apply(state_, header, transitions, &did_);
  RC_CHECK(state_.seq == header.seq && state_.at == header.at);
  out.push_back({header, outcome});
  if (effects != nullptr)
    effects->list.insert(effects->list.end(), did_.list.begin(), did_.list.end());
  if (outcome != Outcome::Applied) return;
  switch (header.kind) {
    case Kind::PolicySet:
    case Kind::ClockStep:
    case Kind::NodeUp:
    case Kind::NodeDown:
      rearm_all();  // they move deadlines of everybody
      break;
    default:
      for (const Effect& effect : did_.list) arm_after(effect);
      break;
  }
}

/// A deadline that only moved later keeps its entry; a new entry is for a new deadline alone.
void Sequencer::arm_after(const Effect& effect) {
  const auto session = [&](Seq id) -> const Session& { return state_.sessions.at(id); };
  std::visit(Each{[&](const SessionOpened& e) { arm_session(session(e.session)); },
                  [&](const SessionClosed& e) { touches_.erase(e.session); },
                  [&](const Detached& e) { arm_end(session(e.session)); },
                  [&](const Touched& e) {
                    if (e.woke) arm_idle(session(e.session));
                  },
                  [&](const Overridden& e) {
                    if (e.until != 0)
                      deadlines_.emplace(e.until, effect.user, 0, Timer::StatusCleared);
                  },
                  [](const auto&) {}},
             effect.what);
}

void Sequencer::conclude(Micros at, std::vector<Sequenced>& out,
                         std::vector<Transition>& transitions, Effects* effects) {
  while (!deadlines_.empty() && deadlines_.top().at < at) {
    Deadline due = deadlines_.top();
    deadlines_.pop();
    const auto real = deadline_of(due);
    if (!real) continue;
    if (*real > due.at) {
      due.at = *real;
      deadlines_.push(due);
      continue;
    }
    const auto touch = due.timer == Timer::Inactivity ? held_touch(due.session) : std::nullopt;
    if (touch) touches_.erase(due.session);
    place(touch ? *touch : conclusion(due), *real, out, transitions, effects);
    if (touch && out.back().outcome == Outcome::Applied) arm_idle(state_.sessions.at(due.session));
  }
}

void Sequencer::hold_touch(Seq session, Micros at) {
  if (state_.sessions.contains(session)) touches_[session] = at;
}

std::optional<Header> Sequencer::held_touch(Seq session) const {
  const auto held = touches_.find(session);
  const auto it = state_.sessions.find(session);
  if (held == touches_.end() || it == state_.sessions.end() ||
      held->second <= it->second.last_activity_at)
    return std::nullopt;
  Header h;
  h.kind = Kind::Activity;
  h.flags = flag::kTouch;
  h.user = it->second.user;
  h.session = session;
  ActivityFields until;
  until.active_until = held->second;
  write_fields(h, until);
  return h;
}

void Sequencer::flush_touches(Micros at, std::vector<Sequenced>& out,
                              std::vector<Transition>& transitions, Effects* effects) {
  conclude(at, out, transitions, effects);
  for (const auto& [session, when] : std::exchange(touches_, {})) {
    touches_[session] = when;
    if (const auto touch = held_touch(session)) place(*touch, at, out, transitions, effects);
  }
  touches_.clear();
}

std::size_t Sequencer::append_unconcluded(const Header& draft, Micros at,
                                          std::vector<Sequenced>& out,
                                          std::vector<Transition>& transitions, Effects* effects) {
  place(draft, at, out, transitions, effects);
  return out.size() - 1;
}

void Sequencer::supersede(UserNumber number, std::vector<Sequenced>& out,
                          std::vector<Transition>& transitions, Effects* effects) {
  while (state_.users[number].sessions.size() > state_.policy.sessions_max) {
    const auto& open = state_.users[number].sessions;
    const Seq newest = open.back();
    Seq oldest = open.front();
    for (const Seq id : open) {
      if (id != newest &&
          state_.sessions.at(id).last_activity_at < state_.sessions.at(oldest).last_activity_at) {
        oldest = id;
      }
    }
    Header h;
    h.kind = Kind::Logout;
    h.cause = Cause::Superseded;
    h.user = number;
    h.session = oldest;
    place(h, state_.at, out, transitions, effects);
  }
}

std::size_t Sequencer::append(const Header& draft, Micros at, std::vector<Sequenced>& out,
                              std::vector<Transition>& transitions, Effects* effects) {
  conclude(at, out, transitions, effects);
  const std::size_t index = out.size();
  place(draft, at, out, transitions, effects);
  if (draft.kind == Kind::Login && out[index].outcome == Outcome::Applied) {
    supersede(draft.user, out, transitions, effects);
  }
  return index;
}

}  // namespace rollcall::engine
