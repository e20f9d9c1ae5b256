// Slewing, steps and refusal.
#include "store/event_clock.h"

#include <algorithm>

namespace rollcall::store {

using engine::Micros;

EventClock::EventClock(Micros wall, Micros monotonic, Micros last_at)
    : at_(std::max(wall, last_at)), monotonic_(monotonic), behind_(wall < last_at - kSlewed) {}

EventClock::Reading EventClock::read(Micros wall, Micros monotonic) {
  const Micros passed = std::max<Micros>(0, monotonic - monotonic_);
  monotonic_ = std::max(monotonic_, monotonic);
  Reading out;
  out.before = at_ + passed;
  const Micros ahead = wall - out.before;  // of the wall, as if we had gone on unslewed
  if ((ahead > kRefused || ahead < -kRefused) && !accepted_) {
    at_ = out.before;
    out.at = at_;
    out.refused = true;
    return out;
  }
  if (ahead > kSlewed) {
    at_ = wall;
    out.step = ahead;
    behind_ = false;
  } else {
    if (ahead < -kSlewed && !behind_) {
      out.step = ahead;
      behind_ = true;
    }
    if (ahead >= 0) behind_ = false;
    const Micros slew = std::clamp(ahead, -passed / 10, passed / 10);
    at_ = out.before + slew;
  }
  accepted_ = accepted_ && ahead < -kSlewed;  // an accepted clock far behind stays accepted
  out.at = at_;
  return out;
}

}  // namespace rollcall::store
