// A channel on a shard: a bounded ring of framed bytes, and cursors into it.
//
// Why this file exists: the same bytes serve every subscriber, so there is no outbox per
// connection: a subscriber is a number. One that falls behind further than the ring reaches loses
// what was dropped and is told so; nobody else notices. Pure: the shard writes what this says.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <utility>

namespace rollcall::net::inline wire {

class Ring {
 public:
  using Offset = std::uint64_t;  ///< bytes since the ring began; never reused

  explicit Ring(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  /// Adds a whole frame that everybody gets but connection `except` (0: everybody). What is oldest
  /// is dropped while the ring is over its size; a frame larger than that is kept alone.
  void append(std::string_view frame, std::uint64_t except = 0);

  [[nodiscard]] Offset begin() const { return base_; }  ///< oldest byte kept, a frame's first
  [[nodiscard]] Offset end() const { return base_ + bytes_.size() - dead_; }

  /// What the connection may be sent from `cursor` (at or after begin()) in one write: whole
  /// frames, up to the next one that is not for it. Empty where it has everything; `cursor` is
  /// moved past frames that are not for it.
  [[nodiscard]] std::string_view pending(Offset& cursor, std::uint64_t connection) const;
  /// The end of the frame that holds the byte before `cursor`: where a write that stopped there
  /// must go on to.
  [[nodiscard]] Offset frame_end(Offset cursor) const;
  [[nodiscard]] std::string_view bytes(Offset from, Offset to) const {
    return std::string_view(bytes_).substr(static_cast<std::size_t>(from - base_) + dead_,
                                           static_cast<std::size_t>(to - from));
  }

  /// Everybody has read up to here: the bytes before it are given back.
  void release(Offset upto);
  [[nodiscard]] std::size_t frames() const { return ends_.size(); }

 private:
  void drop_first();

  std::size_t bytes_max_;
  std::string bytes_;  ///< `dead_` bytes that were dropped, then the frames
  std::size_t dead_ = 0;
  Offset base_ = 0;
  std::deque<Offset> ends_;  ///< of each frame kept
  /// Frames that one connection does not get: where each begins, for whom. A cursor asks for its
  /// own alone: thousands of others' may wait for one reader that has stopped.
  std::map<std::pair<std::uint64_t, Offset>, Offset> exceptions_;  ///< to where it ends
  std::deque<std::pair<Offset, std::uint64_t>> excepted_;          ///< the same, the oldest first
};

}  // namespace rollcall::net::inline wire
