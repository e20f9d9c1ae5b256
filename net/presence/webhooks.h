// Webhooks: what happened, told to a URL, signed with the app's secret.
//
// Why this file exists: members' coming and going is in the log, so a webhook for it is a cursor
// (net/presence/comings): nothing is lost by a crash and a payload is made when it is sent, from
// what may still be known. What is not in the log (client_event, cache_miss, subscription_count,
// channel_occupied and _vacated, members of unlogged channels) waits in bounded memory and may be
// lost by a crash. A request that is repeated has the same bytes. Each URL has a thread of its own:
// one that does not answer delays no other, and no end of the server.
#pragma once

#include "net/hub/hub.h"
#include "net/presence/batch_listeners.h"
#include "store/live.h"

#include <chrono>
#include <memory>
#include <vector>

namespace rollcall::net::inline presence {

class Webhooks {
 public:
  Webhooks(const AppSettings& app, store::LogSource& live, BatchListeners& listeners);
  /// What waits in memory is sent, where the other side takes it, until the time of drain().
  ~Webhooks();
  Webhooks(const Webhooks&) = delete;
  Webhooks& operator=(const Webhooks&) = delete;

  void tell(HubEvent event);
  /// The end is near: by this time every request is done or given up.
  void drain(std::chrono::steady_clock::time_point until);
  /// Nothing more is told from the log, and where it stopped is submitted to the log. Waits.
  void leave_log();

 private:
  class Target;
  std::vector<std::unique_ptr<Target>> targets_;
  std::chrono::steady_clock::time_point until_ = std::chrono::steady_clock::time_point::max();
};

}  // namespace rollcall::net::inline presence
