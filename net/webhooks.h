// Webhooks: what happened, told to a URL, signed with the app's secret.
//
// Why this file exists: members' coming and going is in the log, so a webhook for it is a cursor:
// nothing is lost by a crash and a payload is made when it is sent, from what may still be known.
// What is not in the log (client_event, cache_miss, subscription_count, channel_occupied and
// _vacated, members of unlogged channels) waits in bounded memory and may be lost by a crash.
// Leaving waits three seconds and vanishes if it is undone (Pusher Channels: webhooks).
#pragma once

#include "net/hub.h"

#include <memory>
#include <vector>

namespace rollcall::net {

class App;

class Webhooks {
 public:
  explicit Webhooks(App& app);
  /// What waits in memory is sent, for two seconds at most.
  ~Webhooks();
  Webhooks(const Webhooks&) = delete;
  Webhooks& operator=(const Webhooks&) = delete;

  void tell(HubEvent event);

 private:
  class Target;
  std::vector<std::unique_ptr<Target>> targets_;
};

}  // namespace rollcall::net
