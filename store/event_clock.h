// The time that events are stamped with: the wall time at start, carried on by the monotonic clock.
//
// Why this file exists: a wall clock that is set, or a machine that slept, must neither turn
// history back nor make everybody Away at once. Pure: both clocks come in as arguments, so that a
// test can set them.
#pragma once

#include "engine/event.h"
#include "store/errc.h"

#include <optional>

namespace rollcall::store {

class EventClock {
 public:
  /// A wall ahead by up to this is slewed to, at most a tenth of the time that passes; so is one
  /// that is behind, however far.
  static constexpr engine::Micros kSlewed = 5'000'000;
  /// A wall so much further than the log's last event is taken for wrong: a time that was once
  /// stamped can never be taken back.
  static constexpr engine::Micros kRefused = engine::Micros{400} * 24 * 3600 * 1'000'000;

  /// `last_at`: time of the log's last event. A wall ahead of it is down time, never a step; one
  /// behind it makes time stand at `last_at` and go on slowly until they meet. Whether the wall is
  /// refused at a start is for too_far_ahead() to say.
  EventClock(engine::Micros wall, engine::Micros monotonic, engine::Micros last_at);

  struct Reading {
    engine::Micros at = 0;      ///< never decreases
    engine::Micros before = 0;  ///< with a step: the time just before it
    /// The wall jumped by so much: log a ClockStep at `before`. Ahead, `at` went with it; behind,
    /// `at` goes on, and this is told once.
    std::optional<engine::Micros> step;
    bool refused = false;  ///< more than kRefused ahead: write nothing
  };
  [[nodiscard]] Reading read(engine::Micros wall, engine::Micros monotonic);
  /// What read() would say now. Takes nothing in, so no step is lost.
  [[nodiscard]] Reading peek(engine::Micros wall, engine::Micros monotonic) const;
  /// How far time has run ahead of the wall, as of the last reading; it loses a tenth of what
  /// passes.
  [[nodiscard]] engine::Micros ahead_of_wall() const { return debt_ > 0 ? debt_ : 0; }

 private:
  engine::Micros at_;
  engine::Micros monotonic_;
  engine::Micros debt_;        ///< at_ - wall, as of the last reading
  engine::Micros credit_ = 0;  ///< passed and not yet used for slewing; below 10
};

/// Whether the wall is refused where the log's last event was at `last_at` (0: there is none).
[[nodiscard]] bool too_far_ahead(engine::Micros wall, engine::Micros last_at);
/// What to say of it.
[[nodiscard]] Error clock_refused();

}  // namespace rollcall::store
