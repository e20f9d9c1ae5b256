// Many sends in one system call.
//
// Why this file exists: a frame for a thousand subscribers is a thousand writes, and entering the
// kernel for each of them is a tenth of their cost. With io_uring one call takes 64 (README has the
// figures). Where the kernel has none (before Linux 6.1), or a container's rules refuse it, the
// same sends go out one by one.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

namespace rollcall::net::inline loop {

/// Used by one thread: the one that makes it.
class SendBatch {
 public:
  static constexpr std::size_t kSends = 64;

  /// `together` false: one by one, as where io_uring is refused.
  explicit SendBatch(bool together = true);
  ~SendBatch();
  SendBatch(const SendBatch&) = delete;
  SendBatch& operator=(const SendBatch&) = delete;

  /// Whether the kernel takes them together.
  [[nodiscard]] bool together() const { return ring_ != nullptr; }

  /// Puts down a send that does not block; at most kSends before a run(). The bytes stay the
  /// caller's, who keeps them as they are until run() has returned.
  void add(int fd, std::string_view bytes);
  [[nodiscard]] std::size_t size() const { return count_; }

  /// Does all that was added, and forgets it. What each gave, in that order: how many bytes the
  /// socket took, or a negative errno. Valid until the next add().
  [[nodiscard]] std::span<const ssize_t> run();

 private:
  struct Ring;  ///< the kernel's queue, by way of liburing
  struct Send {
    int fd;
    std::string_view bytes;
  };
  /// What has no result after it is still to be sent: then the ring failed, and is gone.
  void run_together();

  std::unique_ptr<Ring> ring_;
  std::array<Send, kSends> sends_;
  std::array<ssize_t, kSends> results_{};
  std::size_t count_ = 0;
};

}  // namespace rollcall::net::inline loop
