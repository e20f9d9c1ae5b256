// What waits to be told to one webhook and is in no log.
//
// Why this file exists: bounded, in order, and a pair that undoes itself within three seconds is
// nothing. A request is made of it once, so that every attempt has the same bytes.
#pragma once

#include "net/hub/hub.h"
#include "store/bytes/mutex.h"

#include <chrono>
#include <deque>
#include <optional>
#include <string>
#include <vector>

namespace rollcall::net::inline presence {

/// {"time_ms":…,"events":[…]}
[[nodiscard]] std::string webhook_body(std::int64_t time_ms, const std::vector<HubEvent>& events);

/// Any thread.
class WebhookQueue {
 public:
  using Clock = std::chrono::steady_clock;
  struct Request {
    std::string body;
    std::size_t events = 0;
    Clock::time_point since;  ///< of its eldest event
  };

  void add(HubEvent event, Clock::time_point now);
  /// The next request of at most so many events, if anything is due; `all`: due or not. In order:
  /// nothing overtakes what waits to be undone.
  [[nodiscard]] std::optional<Request> take(std::size_t most, std::int64_t time_ms, bool all,
                                            Clock::time_point now);
  /// Forgets what is too old to be told: five minutes.
  void drop_old(std::optional<Request>& under_way, Clock::time_point now);
  /// How many were dropped since this was asked.
  [[nodiscard]] std::uint64_t dropped();
  [[nodiscard]] bool empty() const;
  /// From when on take() has something; nothing while it is empty.
  [[nodiscard]] std::optional<Clock::time_point> next_due() const;

 private:
  struct Waiting {
    HubEvent event;
    Clock::time_point due, since;
  };
  mutable store::Mutex mutex_;
  std::deque<Waiting> waiting_ RC_GUARDED_BY(mutex_);
  std::uint64_t dropped_ RC_GUARDED_BY(mutex_) = 0;
};

}  // namespace rollcall::net::inline presence
