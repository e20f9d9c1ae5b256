// What the parts of a shard share: its timers, its batch of sends. Included by shard.cc (reading,
// writing, sweeping), shard_inbox.cc and shard_life.cc (who is alive, the drain) alone.
#pragma once

#include "net/hub/shard.h"
#include "net/loop/send_batch.h"

#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <optional>

namespace rollcall::net::inline hub {

struct Shard::Inner {
  explicit Inner(boost::asio::io_context& io) : second(io), drain(io), gather(io) {}
  boost::asio::steady_timer second;
  boost::asio::steady_timer drain;
  boost::asio::steady_timer gather;
  std::optional<SendBatch> sends;  ///< made on the shard's own thread
  std::function<void()> drained;
  std::chrono::steady_clock::time_point drain_end;
  bool draining = false;
};

}  // namespace rollcall::net::inline hub
