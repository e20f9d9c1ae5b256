// io_uring(7), by way of liburing; and send(2) where there is none.
#include "net/loop/send_batch.h"

#include <liburing.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <limits>

namespace rollcall::net::inline loop {
namespace {

constexpr int kFlags = MSG_DONTWAIT | MSG_NOSIGNAL;
constexpr ssize_t kUnsent = std::numeric_limits<ssize_t>::min();

}  // namespace

struct SendBatch::Ring : io_uring {
  explicit Ring(const io_uring& opened) : io_uring(opened) {}
  ~Ring() { io_uring_queue_exit(this); }
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;
};

SendBatch::SendBatch(bool together) {
  if (!together) return;
  // One thread submits, and a send that may not block ends within its submission: the kernel needs
  // neither a lock nor a thread nor a signal for it.
  constexpr unsigned kOneThread = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;
  io_uring opened{};
  if (io_uring_queue_init(kSends, &opened, kOneThread) == 0) ring_ = std::make_unique<Ring>(opened);
}

SendBatch::~SendBatch() = default;

void SendBatch::add(int fd, std::string_view bytes) { sends_.at(count_++) = {fd, bytes}; }

void SendBatch::run_together() {
  for (std::size_t i = 0; i < count_; ++i) {
    io_uring_sqe* entry = io_uring_get_sqe(ring_.get());  // there are kSends of them
    io_uring_prep_send(entry, sends_[i].fd, sends_[i].bytes.data(), sends_[i].bytes.size(), kFlags);
    entry->user_data = i;
  }
  std::size_t done = 0;
  while (done < count_) {
    const int said = io_uring_submit_and_wait(ring_.get(), static_cast<unsigned>(count_ - done));
    unsigned head = 0, seen = 0;
    const io_uring_cqe* entry = nullptr;
    io_uring_for_each_cqe(ring_.get(), head, entry) {
      results_[entry->user_data] = entry->res;
      ++seen;
    }
    io_uring_cq_advance(ring_.get(), seen);
    done += seen;
    if (said < 0 && said != -EINTR) {
      ring_.reset();
      return;
    }
  }
}

std::span<const ssize_t> SendBatch::run() {
  const auto results = std::span(results_).first(count_);
  std::ranges::fill(results, kUnsent);
  if (ring_ && count_ > 1) run_together();
  for (std::size_t i = 0; i < count_; ++i) {
    if (results[i] != kUnsent) continue;
    results[i] = ::send(sends_[i].fd, sends_[i].bytes.data(), sends_[i].bytes.size(), kFlags);
    if (results[i] < 0) results[i] = -errno;
  }
  count_ = 0;
  return results;
}

}  // namespace rollcall::net::inline loop
