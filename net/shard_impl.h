// What the parts of a shard share: its timers. Included by shard.cc (reading, writing, sweeping),
// shard_inbox.cc and shard_life.cc (who is alive, the drain) alone.
#pragma once

#include "net/shard.h"

#include <boost/asio/steady_timer.hpp>

#include <chrono>

namespace rollcall::net {

struct Shard::Inner {
  explicit Inner(boost::asio::io_context& io) : second(io), drain(io), gather(io) {}
  boost::asio::steady_timer second;
  boost::asio::steady_timer drain;
  boost::asio::steady_timer gather;
  std::function<void()> drained;
  std::chrono::steady_clock::time_point drain_end;
  bool draining = false;
};

}  // namespace rollcall::net
