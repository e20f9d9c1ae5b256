// Mappings that nothing touches.
#include "net/loop/memory_reserve.h"

#include <sys/mman.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <new>

namespace rollcall::net::inline loop {
namespace {

// Given back a piece at a time: less than a thread's stack, which else would take all of it, and
// more than malloc asks the system for at once for something small.
constexpr std::size_t kPiece = 1U << 20;
constexpr std::size_t kPieces = 16;

std::array<std::atomic<void*>, kPieces> pieces{};

/// Called by operator new, which then tries again.
void give_piece() {
  for (std::atomic<void*>& piece : pieces)
    if (void* const kept = piece.exchange(nullptr); kept != nullptr) {
      ::munmap(kept, kPiece);
      return;
    }
  throw std::bad_alloc();
}

}  // namespace

bool keep_memory_reserve() {
  for (std::atomic<void*>& piece : pieces) {
    if (piece.load() != nullptr) continue;
    void* const made =
        ::mmap(nullptr, kPiece, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (made == MAP_FAILED) return false;
    void* none = nullptr;
    if (!piece.compare_exchange_strong(none, made)) ::munmap(made, kPiece);
  }
  std::set_new_handler(give_piece);
  return true;
}

}  // namespace rollcall::net::inline loop
