// A queue and its threads.
#include "net/loop/workers.h"

#include "net/loop/memory_reserve.h"

#include <pthread.h>
#include <spdlog/spdlog.h>
#include <sys/mman.h>

#include <system_error>

namespace rollcall::net::inline loop {

bool room_for_a_thread() {
  if (!keep_memory_reserve()) return false;
  constexpr std::size_t kReserve = 16U << 20;
  void* const probe =
      ::mmap(nullptr, kReserve, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (probe == MAP_FAILED) return false;
  ::munmap(probe, kReserve);
  return true;
}

void use_small_stacks() {
  constexpr std::size_t kStack = 2U << 20;
  pthread_attr_t usual;
  if (::pthread_attr_init(&usual) != 0) return;
  if (::pthread_attr_setstacksize(&usual, kStack) == 0) (void)::pthread_setattr_default_np(&usual);
  ::pthread_attr_destroy(&usual);
}

Workers::Workers(std::size_t threads_most, std::size_t queue_most)
    : threads_most_(threads_most), queue_most_(queue_most) {
  threads_.emplace_back([this] { serve(); });
}

Workers::~Workers() { stop(); }

bool Workers::run(std::function<void()> work) {
  const std::lock_guard guard(mutex_);
  if (stopping_ || queue_.size() >= queue_most_) return false;
  queue_.push_back(std::move(work));
  if (queue_.size() > idle_ && threads_.size() < threads_most_ && room_for_a_thread()) {
    try {
      threads_.emplace_back([this] { serve(); });
    } catch (const std::system_error&) {
      // The system has no thread to spare: the work waits for one of those there are.
    }
  }
  wake_.notify_one();
  return true;
}

void Workers::stop() {
  std::deque<std::function<void()>> dropped;
  {
    const std::lock_guard guard(mutex_);
    stopping_ = true;
    dropped.swap(queue_);
    wake_.notify_all();
  }
  for (std::thread& thread : threads_)
    if (thread.joinable()) thread.join();
}

void Workers::serve() {
  std::unique_lock lock(mutex_);
  while (true) {
    ++idle_;
    wake_.wait(lock, [&] { return stopping_ || !queue_.empty(); });
    --idle_;
    if (stopping_) return;
    auto work = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    try {
      work();
    } catch (const std::exception& error) {
      spdlog::error("a piece of work ended with an exception: {}", error.what());
    }
    work = nullptr;
    lock.lock();
  }
}

}  // namespace rollcall::net::inline loop
