// First in, last out.
#include "replay/room_stays.h"

#include <algorithm>
#include <tuple>

namespace rollcall::replay {

RoomStays::RoomStays(const ReportRange& range, People only)
    : range_(range), only_(std::move(only)) {}

engine::Effects RoomStays::wanted() {
  return engine::Effects::only<engine::MemberIn, engine::MemberOut>();
}

void RoomStays::begin(const engine::State& state) {
  for (UserNumber n = 1; n < state.users.size(); ++n) {
    if (!only_.has(n)) continue;
    for (const engine::Attendance& a : state.users[n].attendance)
      open_.emplace(Place{a.channel, n}, range_.from);
  }
}

void RoomStays::take(const store::Fold::Step& step) {
  for (const engine::Effect& effect : step.effects) {
    if (!only_.has(effect.user)) continue;
    if (const auto* in = std::get_if<engine::MemberIn>(&effect.what)) {
      open_.emplace(Place{in->channel, effect.user}, effect.at);
    } else if (const auto* out = std::get_if<engine::MemberOut>(&effect.what)) {
      const auto it = open_.find(Place{out->channel, effect.user});
      if (it == open_.end()) continue;
      // A server that died was attended until it was last heard (C15).
      const auto gap = store::gap_told_by(step.header);
      const bool died = gap && step.header.kind == engine::Kind::NodeDown;
      const Micros to = std::max(it->second, died ? gap->from : effect.at);
      stays_.push_back({out->channel, effect.user, it->second, to, true});
      open_.erase(it);
    }
  }
}

std::vector<RoomStay> RoomStays::end() {
  for (const auto& [place, since] : open_)
    stays_.push_back({place.first, place.second, since, std::max(since, range_.to), false});
  std::sort(stays_.begin(), stays_.end(), [](const RoomStay& a, const RoomStay& b) {
    return std::tie(a.channel, a.user, a.from, a.to) < std::tie(b.channel, b.user, b.from, b.to);
  });
  return std::move(stays_);
}

}  // namespace rollcall::replay
