// Which operation on a disk fails, and how: one count over a log and files together.
//
// Why this file exists: a test that fails operation 1, 2, 3 … of the same work meets every moment
// at which a disk can fail. What counts and fails: FaultyFiles and FaultyLog; the work under test
// sees only what a real disk could show it.
#pragma once

#include <atomic>
#include <cstdint>

namespace rollcall::store::inline bytes {

/// For any number of threads.
class Faults {
 public:
  enum class How : std::uint8_t {
    None,
    Refuse,  ///< nothing is done, and the next operation works
    Tear,    ///< begun and not finished: half of a write, nothing of a commit
    Late,    ///< done, and reported as failed
    Crash,   ///< nothing is done any more: what was not synced is lost
    Full,    ///< no room: this one and all after it are refused until make_room()
  };

  /// The `nth` operation from now on, 1 for the next.
  void fail(std::uint64_t nth, How how) {
    at_ = done_ + nth;
    how_ = how;
  }
  void make_room() { how_ = How::None; }
  /// An operation that changes something begins: what becomes of it.
  [[nodiscard]] How next() {
    const std::uint64_t now = ++done_;
    if (how_ == How::Crash && now >= at_) return How::Crash;
    if (how_ == How::Full && now >= at_) return How::Refuse;
    return now == at_ ? how_.load() : How::None;
  }
  [[nodiscard]] bool reached() const { return how_ != How::None && done_ >= at_; }
  [[nodiscard]] std::uint64_t done() const { return done_; }

 private:
  std::atomic<std::uint64_t> done_ = 0, at_ = 0;
  std::atomic<How> how_ = How::None;
};

}  // namespace rollcall::store::inline bytes
