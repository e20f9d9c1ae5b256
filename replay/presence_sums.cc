// One open time a person, and cells that it is cut into.
#include "replay/presence_sums.h"

#include <algorithm>
#include <utility>

namespace rollcall::replay {

using engine::Presence;

PresenceSums::PresenceSums(const ReportRange& range, const TimeZone* zone, People only,
                           const Unwatched& unwatched)
    : range_(range), zone_(zone), only_(std::move(only)), unwatched_(unwatched) {
  if (zone_ == nullptr)
    days_.push_back({std::numeric_limits<Micros>::min(), std::numeric_limits<Micros>::max(), 0});
  else
    days_.push_back(day_at(*zone_, range_.from));
}

engine::Effects PresenceSums::wanted() {
  return engine::Effects::only<engine::Seen, engine::SessionOpened, engine::SessionClosed>();
}

PresenceSums::Track& PresenceSums::track(UserNumber user) {
  if (user >= tracks_.size()) {
    Track fresh;
    fresh.since = range_.from;
    tracks_.resize(std::max<std::size_t>(user + std::size_t{1}, tracks_.size() * 3 / 2), fresh);
  }
  return tracks_[user];
}

void PresenceSums::begin(const engine::State& state) {
  for (UserNumber n = 1; n < state.users.size(); ++n) {
    if (!only_.has(n)) continue;
    Track& t = track(n);
    t.is = state.users[n].state;
    t.open = static_cast<std::uint32_t>(state.users[n].sessions.size());
  }
}

/// The day of a moment of the range. Mostly the newest: the log goes on in order of time.
const Stretch& PresenceSums::day_of(Micros at) {
  while (at >= days_.back().to) days_.push_back(day_at(*zone_, days_.back().to));
  if (at >= days_.back().from) return days_.back();
  return *std::partition_point(days_.begin(), days_.end() - 1,
                               [&](const Stretch& day) { return day.to <= at; });
}

PresenceSums::Cell* PresenceSums::found(Track& track, std::int64_t day) {
  if (!track.begun || track.newest.day < day) return nullptr;
  if (track.newest.day == day) return &track.newest;
  std::uint32_t link = track.newest.earlier;
  while (link != kNone && cells_[link].day > day) link = cells_[link].earlier;
  return link != kNone && cells_[link].day == day ? &cells_[link] : nullptr;
}

PresenceSums::Cell& PresenceSums::cell(Track& track, std::int64_t day) {
  if (Cell* there = found(track, day)) return *there;
  Cell fresh;
  fresh.day = day;
  fresh.sessions = track.open;
  fresh.earlier = kNone;
  if (!track.begun || track.newest.day < day) {
    if (std::exchange(track.begun, true)) {
      fresh.earlier = static_cast<std::uint32_t>(cells_.size());
      cells_.push_back(track.newest);
    }
    return track.newest = fresh;
  }
  // Where clocks were put back over midnight, the day before comes after its successor.
  std::uint32_t* link = &track.newest.earlier;
  while (*link != kNone && cells_[*link].day > day) link = &cells_[*link].earlier;
  fresh.earlier = *link;
  *link = static_cast<std::uint32_t>(cells_.size());
  return cells_.emplace_back(fresh);
}

void PresenceSums::settle(Track& track, Micros now) {
  Micros at = std::exchange(track.since, now);
  if (track.is == Presence::Offline) return;
  while (at < now) {
    const Stretch& day = day_of(at);
    const Micros stop = std::min(now, day.to);
    const Micros dark = unwatched_.none_after(at) ? 0 : unwatched_.within(at, stop);
    Cell& c = cell(track, day.number);
    c.unknown += dark;
    (track.is == Presence::Online ? c.online : c.away) += stop - at - dark;
    at = stop;
  }
}

/// A touch that was logged late happened earlier, maybe on another day. Who was not here then was
/// not seen either.
void PresenceSums::see(Track& track, Micros at) {
  if (at < range_.from) return;
  Cell* c = found(track, day_of(at).number);
  if (c == nullptr) return;
  c->first_seen = std::min(c->first_seen, at);
  c->last_seen = std::max(c->last_seen, at);
}

void PresenceSums::expect(UserNumber user) const {
  if (user < tracks_.size()) fetch(tracks_[user]);
}

void PresenceSums::take(const store::Fold::Step& step) {
  const Micros now = step.header.at;
  for (const engine::Effect& effect : step.effects) {
    if (!only_.has(effect.user)) continue;
    Track& t = track(effect.user);
    settle(t, now);
    if (const auto* seen = std::get_if<engine::Seen>(&effect.what)) {
      if (seen->at == now) (void)cell(t, day_of(now).number);
      see(t, seen->at);
    } else if (std::holds_alternative<engine::SessionOpened>(effect.what)) {
      ++cell(t, day_of(now).number).sessions;
      ++t.open;
    } else if (std::holds_alternative<engine::SessionClosed>(effect.what)) {
      (void)cell(t, day_of(now).number);
      if (t.open != 0) --t.open;
    }
  }
  for (const engine::Transition& change : step.transitions) {
    if (!only_.has(change.user)) continue;
    Track& t = track(change.user);
    settle(t, now);
    t.is = change.to;
  }
}

void PresenceSums::end() {
  for (Track& t : tracks_) settle(t, range_.to);
}

const std::vector<const PresenceSums::Cell*>& PresenceSums::of(UserNumber user) {
  listed_.clear();
  const Track& t = tracks_[user];
  if (!t.begun) return listed_;
  listed_.push_back(&t.newest);
  for (std::uint32_t i = t.newest.earlier; i != kNone; i = cells_[i].earlier)
    listed_.push_back(&cells_[i]);
  std::reverse(listed_.begin(), listed_.end());
  return listed_;
}

}  // namespace rollcall::replay
