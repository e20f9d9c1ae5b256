// The ring's bookkeeping.
#include "net/wire/ring.h"

#include <algorithm>

namespace rollcall::net::inline wire {

void Ring::append(std::string_view frame, std::uint64_t except) {
  const Offset from = end();
  bytes_ += frame;
  ends_.push_back(from + frame.size());
  if (except != 0) {
    exceptions_.emplace(std::pair(except, from), from + frame.size());
    excepted_.emplace_back(from, except);
  }
  while (ends_.size() > 1 && end() - base_ > bytes_max_) drop_first();
}

void Ring::drop_first() {
  dead_ += static_cast<std::size_t>(ends_.front() - base_);
  base_ = ends_.front();
  ends_.pop_front();
  while (!excepted_.empty() && excepted_.front().first < base_) {
    const auto [from, connection] = excepted_.front();
    exceptions_.erase({connection, from});
    excepted_.pop_front();
  }
  if (dead_ > bytes_.size() / 2) {  // each byte is moved at most once for each that is dropped
    bytes_.erase(0, dead_);
    dead_ = 0;
  }
}

void Ring::release(Offset upto) {
  if (upto >= end()) {
    base_ = end();
    ends_.clear();
    exceptions_.clear();
    excepted_.clear();
    dead_ = 0;
    bytes_.clear();
    constexpr std::size_t kKept = 64 * 1024;  // an idle channel holds no more than this
    if (bytes_.capacity() > kKept) bytes_.shrink_to_fit();
    return;
  }
  while (!ends_.empty() && ends_.front() <= upto) drop_first();
}

std::string_view Ring::pending(Offset& cursor, std::uint64_t connection) const {
  Offset until = end();
  if (!exceptions_.empty()) {
    auto it = exceptions_.lower_bound({connection, cursor});
    // A cursor stands where a frame begins: one that is not for it begins there or later.
    for (; it != exceptions_.end() && it->first.first == connection; ++it) {
      if (it->first.second > cursor) {
        until = it->first.second;
        break;
      }
      cursor = it->second;
    }
  }
  return bytes(cursor, until);
}

Ring::Offset Ring::frame_end(Offset cursor) const {
  const auto it = std::lower_bound(ends_.begin(), ends_.end(), cursor);
  return it == ends_.end() ? end() : *it;
}

}  // namespace rollcall::net::inline wire
