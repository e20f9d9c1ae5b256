// Threads for work that blocks; what they cannot take is refused.
//
// Why this file exists: a new thread for each question is no thread at all once the system gives no
// more. There is one from the start, more are made while the system lets us, those that have
// nothing to do stay for a while, and whoever asks for more than there is hears so at once.
#pragma once

#include "store/bytes/mutex.h"

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <list>
#include <thread>
#include <vector>

namespace rollcall::net::inline loop {

/// From here on a thread has a stack of 2 MB, of which it touches little: the system's usual 8 MB
/// count against a limit of address space.
void use_small_stacks();

class Workers {
 public:
  /// A thread that has had nothing to do for `idle_longest` ends, except the last. Throws
  /// std::system_error where not even one thread can be had.
  Workers(std::size_t threads_most, std::size_t queue_most,
          std::chrono::milliseconds idle_longest = std::chrono::seconds(10));
  ~Workers();
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  /// False where as much waits as may wait, or after stop().
  [[nodiscard]] bool run(std::function<void()> work);
  /// For work that lasts: it never waits behind another. False if no thread is idle and none can be
  /// started, or after stop().
  [[nodiscard]] bool run_at_once(std::function<void()> work);
  [[nodiscard]] std::size_t threads() const;
  /// What is under way is finished, what waits is dropped.
  void stop();

 private:
  void serve();
  /// Throws std::system_error where the system gives none.
  void start_thread() RC_REQUIRES(mutex_);
  void join_ended();

  const std::size_t threads_most_, queue_most_;
  const std::chrono::milliseconds idle_longest_;
  mutable store::Mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> queue_ RC_GUARDED_BY(mutex_);
  std::list<std::thread> threads_ RC_GUARDED_BY(mutex_);
  std::vector<std::thread> ended_ RC_GUARDED_BY(mutex_);  ///< had nothing to do for a while
  /// Threads without work, those that are just starting included.
  std::size_t idle_ RC_GUARDED_BY(mutex_) = 0;
  bool stopping_ RC_GUARDED_BY(mutex_) = false;
};

}  // namespace rollcall::net::inline loop
