// What both files of the live log's implementation use.
#pragma once

#include "store/live.h"

#include <chrono>

namespace rollcall::store {

inline constexpr std::size_t kCommitEventsMax =
    8192;  ///< then no more tasks until the disk has answered

inline engine::Micros monotonic_now() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

}  // namespace rollcall::store
