// Who wants to know that the log has grown: streams and webhooks, which read on by themselves.
#pragma once

#include "store/bytes/mutex.h"

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>

namespace rollcall::net::inline presence {

class BatchListeners {
 public:
  /// Called after every durable batch, on the committer's thread. The number is for remove().
  std::uint64_t add(std::function<void()> listener) {
    const store::Lock guard(mutex_);
    listeners_.emplace(next_, std::move(listener));
    return next_++;
  }
  /// Once this returns, the listener is not called any more.
  void remove(std::uint64_t listener) {
    const store::Lock guard(mutex_);
    listeners_.erase(listener);
  }
  void notify() {
    const store::Lock guard(mutex_);
    for (const auto& [id, listener] : listeners_) listener();
  }

 private:
  store::Mutex mutex_;
  std::uint64_t next_ RC_GUARDED_BY(mutex_) = 1;
  std::map<std::uint64_t, std::function<void()>> listeners_ RC_GUARDED_BY(mutex_);
};

/// Waits for the log to grow: whoever reads on by itself on a thread of its own.
class BatchWaiter {
 public:
  explicit BatchWaiter(BatchListeners& of) : of_(of) {
    listener_ = of.add([this] {
      const store::Lock guard(mutex_);
      ++batches_;
      wake_.notify_one();
    });
  }
  ~BatchWaiter() { of_.remove(listener_); }
  BatchWaiter(const BatchWaiter&) = delete;
  BatchWaiter& operator=(const BatchWaiter&) = delete;

  /// Until a batch has come since the last call, or so long has passed.
  void wait_for(std::chrono::milliseconds longest) {
    store::Lock lock(mutex_);
    wake_.wait_for(lock.waiting(), longest, [&] {
      mutex_.held();
      return batches_ != seen_;
    });
    seen_ = batches_;
  }

 private:
  BatchListeners& of_;
  store::Mutex mutex_;
  std::condition_variable wake_;
  std::uint64_t batches_ RC_GUARDED_BY(mutex_) = 0;
  std::uint64_t seen_ RC_GUARDED_BY(mutex_) = 0;
  std::uint64_t listener_ = 0;
};

}  // namespace rollcall::net::inline presence
