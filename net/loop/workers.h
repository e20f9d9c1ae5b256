// A few threads for work that blocks, one piece after another; what they cannot take is refused.
//
// Why this file exists: a thread a question is none where the system gives no more. There is one
// from the start, more are made while the system lets us, and whoever asks when the queue is full
// hears so at once.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace rollcall::net::inline loop {

/// Whether there is room for a thread and, after it, for what everybody else allocates: a limit of
/// address space (ulimit -v) would otherwise let the last thread have all that was left.
[[nodiscard]] bool room_for_a_thread();
/// From here on a thread has a stack of 2 MB, of which it touches little: the system's usual 8 MB
/// count against a limit of address space.
void use_small_stacks();

class Workers {
 public:
  /// Throws std::system_error where not even one thread can be had.
  Workers(std::size_t threads_most, std::size_t queue_most);
  ~Workers();
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  /// False where as much waits as may wait, or after stop().
  [[nodiscard]] bool run(std::function<void()> work);
  /// What is under way is finished, what waits is dropped.
  void stop();

 private:
  void serve();
  const std::size_t threads_most_, queue_most_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> queue_;
  std::vector<std::thread> threads_;
  std::size_t idle_ = 0;
  bool stopping_ = false;
};

}  // namespace rollcall::net::inline loop
