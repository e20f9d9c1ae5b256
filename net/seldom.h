// A line of the log for what outsiders can cause as often as they like.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>

namespace rollcall::net {

class Seldom {
 public:
  /// How many were passed over since the last line, where one is due: at most one in ten seconds.
  [[nodiscard]] std::optional<std::uint64_t> due() {
    constexpr std::int64_t kEvery = 10'000;
    const std::int64_t now = std::chrono::duration_cast<std::chrono::milliseconds>(
                                 std::chrono::steady_clock::now().time_since_epoch())
                                 .count();
    std::int64_t last = last_;
    if ((last != 0 && now - last < kEvery) || !last_.compare_exchange_strong(last, now)) {
      ++passed_;
      return std::nullopt;
    }
    return passed_.exchange(0);
  }

 private:
  std::atomic<std::int64_t> last_ = 0;
  std::atomic<std::uint64_t> passed_ = 0;
};

}  // namespace rollcall::net
