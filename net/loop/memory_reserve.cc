// A mapping that nothing touches.
#include "net/loop/memory_reserve.h"

#include <sys/mman.h>

#include <atomic>
#include <cstddef>
#include <new>

namespace rollcall::net::inline loop {
namespace {

constexpr std::size_t kReserve = 8U << 20;

std::atomic<void*> reserve = nullptr;

/// Called by operator new, which then tries again.
void give_reserve() {
  void* const kept = reserve.exchange(nullptr);
  if (kept == nullptr) throw std::bad_alloc();
  ::munmap(kept, kReserve);
}

}  // namespace

bool keep_memory_reserve() {
  if (reserve.load() != nullptr) return true;
  void* const made =
      ::mmap(nullptr, kReserve, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (made == MAP_FAILED) return false;
  void* none = nullptr;
  if (!reserve.compare_exchange_strong(none, made)) ::munmap(made, kReserve);
  std::set_new_handler(give_reserve);
  return true;
}

}  // namespace rollcall::net::inline loop
