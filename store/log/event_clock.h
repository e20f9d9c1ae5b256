// The clock that stamps events: the wall time at start, continued by the monotonic clock.
//
// Why this file exists: somebody sets the wall clock, or the machine sleeps; neither may make time
// decrease or turn every user Away at once. Pure: both clocks come in as arguments, so that a
// test can set them; wall_now() is where the wall's comes from.
#pragma once

#include "engine/event.h"
#include "store/bytes/errc.h"

#include <optional>

namespace rollcall::store::inline log {

class EventClock {
 public:
  /// If the wall clock is ahead by up to this, or behind by any amount, the clock slews towards it
  /// by at most a tenth of the time that passes.
  static constexpr engine::Micros kSlewed = 5'000'000;
  /// A wall clock this far ahead of the log's last event is taken for wrong: a time that was
  /// stamped can never be revoked.
  static constexpr engine::Micros kRefused = engine::Micros{400} * 24 * 3600 * 1'000'000;

  /// `last_at`: time of the log's last event. If the wall clock is ahead of it, that was down time,
  /// never a step; if behind, time starts at `last_at` and runs slowly until both agree.
  /// too_far_ahead() decides whether a start is refused.
  EventClock(engine::Micros wall, engine::Micros monotonic, engine::Micros last_at);

  struct Reading {
    engine::Micros at = 0;      ///< never decreases
    engine::Micros before = 0;  ///< with a step: the time just before it
    /// The wall clock jumped by this much: log a ClockStep at `before`. If ahead, `at` moved with
    /// it; if behind, `at` continues, and the jump is reported once.
    std::optional<engine::Micros> step;
    bool refused = false;  ///< more than kRefused ahead: write nothing
  };
  [[nodiscard]] Reading read(engine::Micros wall, engine::Micros monotonic);
  /// What read() would return now. Changes nothing, so no step is lost.
  [[nodiscard]] Reading peek(engine::Micros wall, engine::Micros monotonic) const;
  /// How far time is ahead of the wall clock, as of the last reading; it shrinks by a tenth of the
  /// time that passes.
  [[nodiscard]] engine::Micros ahead_of_wall() const { return debt_ > 0 ? debt_ : 0; }

 private:
  engine::Micros at_;
  engine::Micros monotonic_;
  engine::Micros debt_;        ///< at_ - wall, as of the last reading
  engine::Micros credit_ = 0;  ///< passed but not yet used for slewing; below 10
};

/// The wall clock, microseconds UTC.
[[nodiscard]] engine::Micros wall_now();
/// Whether the wall clock is refused if the log's last event was at `last_at` (0: there is none).
[[nodiscard]] bool too_far_ahead(engine::Micros wall, engine::Micros last_at);
/// The sentence for that refusal.
[[nodiscard]] Error clock_refused();

}  // namespace rollcall::store::inline log
