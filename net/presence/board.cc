// Following the log.
#include "net/presence/board.h"

#include <algorithm>
#include <utility>

namespace rollcall::net::inline presence {

using engine::Micros;
using engine::Presence;

void Board::start(const store::Writer& writer) { place(writer.state(), writer.shown_at_opening()); }

void Board::place(const engine::State& state, const store::ShownOfHiders& shown_of_hiders) {
  const store::Lock guard(mutex_);
  users_.assign(state.users.size(), {});
  for (std::size_t n = 1; n < users_.size(); ++n) {
    const engine::User& user = state.users[n];
    PresenceRow& s = users_[n];
    s.state = user.state;
    s.visible = s.told = s.told_before = user.visible;
    s.manual = user.manual;
    s.do_not_disturb = user.do_not_disturb;
    s.erased = user.erased;
    s.since = user.since;
    s.last_seen = s.visible_last_seen = user.last_seen;
    s.changed_at = user.since;
    s.changed_seq = user.last_seq;
    // Who hides, or hid and showed no sign since, is shown as he was when he did.
    if (const auto* shown = shown_of_hiders.find(static_cast<engine::UserNumber>(n))) {
      const bool same = shown->visible == user.visible;  // else the start concluded something
      s.visible_last_seen = shown->last_seen;
      s.changed_at = same ? shown->changed_at : state.at;
      s.changed_seq = same ? shown->changed_seq : state.seq;
    }
    s.told_seq = s.changed_seq;
    s.status_seq = user.status_seq;
    s.sessions = static_cast<std::uint32_t>(user.sessions.size());
  }
  seq_ = started_ = state.seq;
  told_.clear();
  pending_.clear();
  notes_ = {};
}

void Board::note(const engine::Effect& effect) {
  if (effect.user >= users_.size()) users_.resize(std::size_t{effect.user} + 1);
  PresenceRow& s = users_[effect.user];
  using engine::Override;
  std::visit(engine::Each{[&](const engine::SessionOpened&) { ++s.sessions; },
                          [&](const engine::SessionClosed&) { --s.sessions; },
                          [&](const engine::Seen& seen) {
                            s.last_seen = std::max(s.last_seen, seen.at);
                            if (s.manual != Override::Invisible)
                              s.visible_last_seen = std::max(s.visible_last_seen, seen.at);
                          },
                          [&](const engine::Overridden& status) {
                            s.manual = status.manual;
                            s.do_not_disturb = status.do_not_disturb;
                            s.status_seq = status.status;
                            // Of who hides others hear nothing, not even that he was busy with it.
                            mutex_.held();
                            if (status.before != Override::Invisible ||
                                status.manual != Override::Invisible)
                              notes_.statuses.push_back(effect.user);
                          },
                          [&](const engine::UserForgotten&) {
                            mutex_.held();
                            forget(effect);
                          },
                          [](const auto&) {}},
             effect.what);
}

void Board::forget(const engine::Effect& effect) {
  PresenceRow& s = users_[effect.user];
  PresenceRow none;
  none.told = none.told_before = s.told;
  none.pending = s.pending;
  none.sessions = s.sessions;  // their ends follow
  none.erased = true;
  none.changed_at = effect.at;
  none.changed_seq = effect.seq;
  s = none;
  notes_.forgotten.push_back(effect.user);
}

void Board::apply(const store::Writer::Batch& batch) {
  const store::Lock guard(mutex_);
  if (batch.events.empty()) return;
  for (const engine::Effect& effect : batch.effects)
    if (effect.user != 0) note(effect);
  seq_ = batch.events.back().header.seq;
  for (const engine::Transition& t : batch.transitions) {
    PresenceRow& s = users_[t.user];
    const Micros at = batch.events[t.seq - batch.events.front().header.seq].header.at;
    if (t.from != t.to) {
      s.state = t.to;
      s.since = at;
    }
    if (t.visible_to == s.visible) continue;
    s.visible = t.visible_to;
    s.changed_at = at;
    s.changed_seq = t.seq;
    if (!s.pending) {
      s.pending = true;
      pending_.push_back(t.user);
    }
  }
}

std::optional<PresenceRow> Board::of(engine::UserNumber user) const {
  const store::Lock guard(mutex_);
  if (user == 0 || user >= users_.size() || users_[user].erased) return std::nullopt;
  return users_[user];
}

engine::Seq Board::seq() const {
  const store::Lock guard(mutex_);
  return seq_;
}

std::vector<Board::Change> Board::take_changes() {
  std::vector<Change> out;
  const store::Lock guard(mutex_);
  for (const engine::UserNumber user : pending_) {
    PresenceRow& s = users_[user];
    s.pending = false;
    if (s.visible == s.told) continue;
    out.push_back({user, s.told, s.visible, s.changed_at, s.changed_seq});
    s.told_before = std::exchange(s.told, s.visible);
    s.told_seq = s.changed_seq;
  }
  pending_.clear();
  // Whoever changed after the last call did so at a later seq than all that was taken then.
  const std::size_t before = told_.size();
  for (const Change& change : out) told_.push_back({change.seq, change.user});
  std::sort(told_.begin() + static_cast<std::ptrdiff_t>(before), told_.end(),
            [](const Told& a, const Told& b) { return a.seq < b.seq; });
  if (told_.size() > 2 * users_.size() + 1024)
    std::erase_if(told_, [&](const Told& t) {
      mutex_.held();
      return users_[t.user].told_seq != t.seq;
    });
  return out;
}

Board::Notes Board::take_notes() {
  Notes out;
  {
    const store::Lock guard(mutex_);
    out = std::exchange(notes_, {});
  }
  std::sort(out.statuses.begin(), out.statuses.end());
  out.statuses.erase(std::unique(out.statuses.begin(), out.statuses.end()), out.statuses.end());
  return out;
}

std::vector<std::pair<engine::UserNumber, PresenceRow>> Board::changed_after(
    engine::Seq seq) const {
  std::vector<std::pair<engine::UserNumber, PresenceRow>> out;
  {
    const store::Lock guard(mutex_);
    if (seq >= started_) {
      auto from = std::upper_bound(told_.begin(), told_.end(), seq,
                                   [](engine::Seq s, const Told& t) { return s < t.seq; });
      for (; from != told_.end(); ++from)
        if (const PresenceRow& s = users_[from->user]; s.told_seq == from->seq && !s.erased)
          out.emplace_back(from->user, s);
      return out;
    }
    for (engine::UserNumber n = 1; n < users_.size(); ++n)
      if (users_[n].told_seq > seq && !users_[n].erased) out.emplace_back(n, users_[n]);
  }
  std::sort(out.begin(), out.end(),
            [](const auto& a, const auto& b) { return a.second.told_seq < b.second.told_seq; });
  return out;
}

Board::Counts Board::counts() const {
  Counts out;
  const store::Lock guard(mutex_);
  for (const PresenceRow& s : users_) {
    out.online += s.visible == Presence::Online ? 1 : 0;
    out.away += s.visible == Presence::Away ? 1 : 0;
  }
  out.known = users_.size() - 1;
  return out;
}

}  // namespace rollcall::net::inline presence
