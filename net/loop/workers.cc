// A queue and its threads.
#include "net/loop/workers.h"

#include "net/loop/memory_reserve.h"

#include <pthread.h>
#include <spdlog/spdlog.h>
#include <sys/mman.h>

#include <algorithm>
#include <chrono>
#include <system_error>

namespace rollcall::net::inline loop {

namespace {

constexpr std::size_t kStack = 2U << 20;

/// Whether there is room for a thread and, after it, for what everybody else allocates: a limit of
/// address space (ulimit -v) would otherwise let the last thread have all that was left.
bool room_for_a_thread() {
  if (!keep_memory_reserve()) return false;
  constexpr std::size_t kRoom = 4 * kStack;
  void* const probe =
      ::mmap(nullptr, kRoom, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (probe == MAP_FAILED) return false;
  ::munmap(probe, kRoom);
  return true;
}

}  // namespace

void use_small_stacks() {
  pthread_attr_t usual;
  if (::pthread_attr_init(&usual) != 0) return;
  if (::pthread_attr_setstacksize(&usual, kStack) == 0) (void)::pthread_setattr_default_np(&usual);
  ::pthread_attr_destroy(&usual);
}

Workers::Workers(std::size_t threads_most, std::size_t queue_most,
                 std::chrono::milliseconds idle_longest)
    : threads_most_(threads_most), queue_most_(queue_most), idle_longest_(idle_longest) {
  const store::Lock guard(mutex_);
  start_thread();
}

Workers::~Workers() { stop(); }

void Workers::start_thread() {
  threads_.emplace_back();
  try {
    threads_.back() = std::thread([this] { serve(); });
    ++idle_;
  } catch (const std::system_error&) {
    threads_.pop_back();
    throw;
  }
}

bool Workers::run(std::function<void()> work) {
  join_ended();
  const store::Lock guard(mutex_);
  if (stopping_ || queue_.size() >= queue_most_) return false;
  queue_.push_back(std::move(work));
  if (queue_.size() > idle_ && threads_.size() < threads_most_ && room_for_a_thread()) {
    try {
      start_thread();
    } catch (const std::system_error&) {
      // The system has no thread to spare: the work waits for one of those there are.
    }
  }
  wake_.notify_one();
  return true;
}

bool Workers::run_at_once(std::function<void()> work) {
  join_ended();
  const store::Lock guard(mutex_);
  if (stopping_) return false;
  if (queue_.size() >= idle_) {
    if (threads_.size() >= threads_most_ || !room_for_a_thread()) return false;
    try {
      start_thread();  // it takes what is queued once we are out of here
    } catch (const std::system_error&) {
      return false;
    }
  }
  queue_.push_back(std::move(work));
  wake_.notify_one();
  return true;
}

std::size_t Workers::threads() const {
  const store::Lock guard(mutex_);
  return threads_.size();
}

void Workers::join_ended() {
  std::vector<std::thread> ended;
  {
    const store::Lock guard(mutex_);
    ended.swap(ended_);
  }
  for (std::thread& thread : ended) thread.join();
}

void Workers::stop() {
  std::deque<std::function<void()>> dropped;
  std::list<std::thread> threads;
  {
    const store::Lock guard(mutex_);
    stopping_ = true;
    dropped.swap(queue_);
    threads.swap(threads_);
    wake_.notify_all();
  }
  for (std::thread& thread : threads) thread.join();
  join_ended();
}

void Workers::serve() {
  store::Lock lock(mutex_);
  while (true) {
    const bool called = wake_.wait_for(lock.waiting(), idle_longest_, [&] {
      mutex_.held();
      return stopping_ || !queue_.empty();
    });
    if (stopping_) return;
    if (!called) {
      if (threads_.size() == 1) continue;  // one stays
      --idle_;
      const auto own = std::find_if(threads_.begin(), threads_.end(), [](const std::thread& t) {
        return t.get_id() == std::this_thread::get_id();
      });
      ended_.push_back(std::move(*own));
      threads_.erase(own);
      return;
    }
    --idle_;
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
    ++idle_;
  }
}

}  // namespace rollcall::net::inline loop
