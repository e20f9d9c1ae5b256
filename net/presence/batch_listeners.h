// Who wants to know that the log has grown: streams and webhooks, which read on by themselves.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>

namespace rollcall::net::inline presence {

class BatchListeners {
 public:
  /// Called after every durable batch, on the committer's thread. The number is for remove().
  std::uint64_t add(std::function<void()> listener) {
    const std::lock_guard guard(mutex_);
    listeners_.emplace(next_, std::move(listener));
    return next_++;
  }
  /// Once this returns, the listener is not called any more.
  void remove(std::uint64_t listener) {
    const std::lock_guard guard(mutex_);
    listeners_.erase(listener);
  }
  void notify() {
    const std::lock_guard guard(mutex_);
    for (const auto& [id, listener] : listeners_) listener();
  }

 private:
  std::mutex mutex_;
  std::uint64_t next_ = 1;
  std::map<std::uint64_t, std::function<void()>> listeners_;
};

}  // namespace rollcall::net::inline presence
