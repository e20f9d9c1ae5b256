// The steady clock, as the live server asks it: for patience and periods, never for the log.
#pragma once

#include <chrono>
#include <cstdint>

namespace rollcall::net::inline loop {

/// Milliseconds since some moment of this boot.
[[nodiscard]] inline std::int64_t steady_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

/// When it next shows a whole multiple of `period`: timers that recur at such times wake an idle
/// thread together, once.
[[nodiscard]] inline std::chrono::steady_clock::time_point next_beat(
    std::chrono::milliseconds period) {
  const auto now = std::chrono::steady_clock::now();
  return now + (period - now.time_since_epoch() % period);
}

}  // namespace rollcall::net::inline loop
