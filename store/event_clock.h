// The time that events are stamped with: the wall time at start, carried on by the monotonic clock.
//
// Why this file exists: a wall clock that is set must neither turn history back nor make everybody
// Away at once. Pure: both clocks come in as arguments, so that a test can set them.
#pragma once

#include "engine/event.h"
#include "store/errc.h"

#include <optional>

namespace rollcall::store {

class EventClock {
 public:
  /// A difference up to here is slewed, at most a tenth of the time that passes.
  static constexpr engine::Micros kSlewed = 5'000'000;
  /// A difference beyond this stops the writer until an operator accepts the clock.
  static constexpr engine::Micros kRefused = 3'600'000'000;

  /// `last_at`: time of the log's last event. A wall ahead of it is down time, never a step; one
  /// behind it makes time stand at `last_at` and go on slowly until they meet.
  EventClock(engine::Micros wall, engine::Micros monotonic, engine::Micros last_at);

  struct Reading {
    engine::Micros at = 0;      ///< never decreases
    engine::Micros before = 0;  ///< with a step: the time just before it
    std::optional<engine::Micros>
        step;              ///< the wall jumped by so much: log a ClockStep at `before`
    bool refused = false;  ///< more than kRefused away: write nothing
  };
  [[nodiscard]] Reading read(engine::Micros wall, engine::Micros monotonic);
  /// The operator says the wall is right, however far away.
  void accept() { accepted_ = true; }

 private:
  engine::Micros at_;
  engine::Micros monotonic_;
  bool behind_ = false;  ///< a step back was told already; slewing until they meet
  bool accepted_ = false;
};

}  // namespace rollcall::store
