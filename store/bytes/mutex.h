// Mutexes that clang checks: what is guarded by one is touched only with it held.
//
// Why this file exists: clang's -Wthread-safety needs annotations, which the standard library of
// g++ has not. Under g++ the macros are empty and the classes are std::mutex, std::shared_mutex and
// their locks. The preset `fuzz` compiles with clang, where a warning is an error.
#pragma once

#include <mutex>
#include <shared_mutex>

#if defined(__clang__)
#define RC_ANNOTATE(x) __attribute__((x))
#else
#define RC_ANNOTATE(x)
#endif

#define RC_GUARDED_BY(mutex) RC_ANNOTATE(guarded_by(mutex))
/// Of a function: the caller holds it.
#define RC_REQUIRES(...) RC_ANNOTATE(requires_capability(__VA_ARGS__))
/// Of a function: the caller does not hold it.
#define RC_EXCLUDES(...) RC_ANNOTATE(locks_excluded(__VA_ARGS__))

namespace rollcall::store::inline bytes {

class RC_ANNOTATE(capability("mutex")) Mutex {
 public:
  void lock() RC_ANNOTATE(acquire_capability()) { mutex_.lock(); }
  void unlock() RC_ANNOTATE(release_capability()) { mutex_.unlock(); }
  /// For a lambda that runs with it held, which clang cannot know: a condition that is waited for.
  void held() const RC_ANNOTATE(assert_capability(this)) {}

 private:
  friend class Lock;
  std::mutex mutex_;
};

/// Held from here to the end of the block, but for what lies between unlock() and lock().
class RC_ANNOTATE(scoped_lockable) Lock {
 public:
  explicit Lock(Mutex& mutex) RC_ANNOTATE(acquire_capability(mutex)) : lock_(mutex.mutex_) {}
  ~Lock() RC_ANNOTATE(release_capability()) {}
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;
  void lock() RC_ANNOTATE(acquire_capability()) { lock_.lock(); }
  void unlock() RC_ANNOTATE(release_capability()) { lock_.unlock(); }
  /// For std::condition_variable, which gives it back as it was.
  [[nodiscard]] std::unique_lock<std::mutex>& waiting() { return lock_; }

 private:
  std::unique_lock<std::mutex> lock_;
};

/// For many who read at once, or one who writes.
class RC_ANNOTATE(capability("mutex")) SharedMutex {
 public:
  void lock() RC_ANNOTATE(acquire_capability()) { mutex_.lock(); }
  void unlock() RC_ANNOTATE(release_capability()) { mutex_.unlock(); }
  void lock_shared() RC_ANNOTATE(acquire_shared_capability()) { mutex_.lock_shared(); }
  void unlock_shared() RC_ANNOTATE(release_shared_capability()) { mutex_.unlock_shared(); }
  void held() const RC_ANNOTATE(assert_capability(this)) {}

 private:
  std::shared_mutex mutex_;
};

/// To write: from here to the end of the block.
class RC_ANNOTATE(scoped_lockable) ExclusiveLock {
 public:
  explicit ExclusiveLock(SharedMutex& mutex) RC_ANNOTATE(acquire_capability(mutex))
      : mutex_(mutex) {
    mutex_.lock();
  }
  ~ExclusiveLock() RC_ANNOTATE(release_capability()) { mutex_.unlock(); }
  ExclusiveLock(const ExclusiveLock&) = delete;
  ExclusiveLock& operator=(const ExclusiveLock&) = delete;

 private:
  SharedMutex& mutex_;
};

/// To read: from here to the end of the block.
class RC_ANNOTATE(scoped_lockable) SharedLock {
 public:
  explicit SharedLock(SharedMutex& mutex) RC_ANNOTATE(acquire_shared_capability(mutex))
      : mutex_(mutex) {
    mutex_.lock_shared();
  }
  ~SharedLock() RC_ANNOTATE(release_capability()) { mutex_.unlock_shared(); }
  SharedLock(const SharedLock&) = delete;
  SharedLock& operator=(const SharedLock&) = delete;

 private:
  SharedMutex& mutex_;
};

}  // namespace rollcall::store::inline bytes
