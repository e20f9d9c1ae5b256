// Slewing, steps and refusal.
#include "store/log/event_clock.h"

#include <algorithm>
#include <chrono>

namespace rollcall::store::inline log {

using engine::Micros;

EventClock::EventClock(Micros wall, Micros monotonic, Micros last_at)
    : at_(std::max(wall, last_at)), monotonic_(monotonic), debt_(at_ - wall) {}

EventClock::Reading EventClock::read(Micros wall, Micros monotonic) {
  const Micros passed = std::max<Micros>(0, monotonic - monotonic_);
  monotonic_ = std::max(monotonic_, monotonic);
  Reading out;
  out.before = engine::saturating_add(at_, passed);
  const Micros ahead = wall - out.before;  // of the wall, as if we had gone on unslewed
  if (too_far_ahead(wall, out.before)) {
    at_ = out.before;
    debt_ = 0;
    out.refused = true;
  } else if (ahead > kSlewed) {
    at_ = wall;
    debt_ = 0;
    out.step = ahead;
  } else {
    // A jump back is what the difference grew by since the last reading; the rest of an earlier one
    // was told then.
    const Micros jump = -ahead - debt_;
    if (jump > kSlewed) out.step = -jump;
    // What is too short for a tenth of it is kept, or readings in quick succession would never
    // slew.
    credit_ += passed;
    const Micros most = credit_ / 10;
    credit_ %= 10;
    at_ = out.before + std::clamp(ahead, -most, most);
    debt_ = at_ - wall;
  }
  out.at = at_;
  return out;
}

EventClock::Reading EventClock::peek(Micros wall, Micros monotonic) const {
  EventClock copy = *this;
  return copy.read(wall, monotonic);
}

engine::Micros wall_now() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

bool too_far_ahead(Micros wall, Micros last_at) {
  return last_at != 0 && wall > engine::saturating_add(last_at, EventClock::kRefused);
}

Error clock_refused() {
  return {
      Errc::Refused,
      "the wall clock is more than 400 days ahead of the log's last event: set the clock right, "
      "or say with --accept-clock that it is"};
}

}  // namespace rollcall::store::inline log
