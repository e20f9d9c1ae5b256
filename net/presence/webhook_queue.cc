// A deque with a bound.
#include "net/presence/webhook_queue.h"

#include "net/wire/json_text.h"

#include <boost/json.hpp>

#include <algorithm>
#include <utility>

namespace rollcall::net::inline presence {
namespace {

namespace json = boost::json;

constexpr std::size_t kWaitingMost = 10'000;
constexpr auto kUndoneWithin = std::chrono::seconds(3);
constexpr auto kGiveUpAfter = std::chrono::minutes(5);

/// The event that undoes one that waits.
std::string_view opposite(std::string_view name) {
  if (name == "channel_occupied") return "channel_vacated";
  if (name == "member_added") return "member_removed";
  return {};
}
bool waits(std::string_view name) { return name == "channel_vacated" || name == "member_removed"; }

json::object payload(const HubEvent& e) {
  json::object out{{"name", e.name}, {"channel", e.channel}};
  if (!e.user_id.empty()) out["user_id"] = e.user_id;
  if (e.name == "client_event") {
    out["event"] = e.event;
    out["data"] = e.data;
    out["socket_id"] = e.socket_id;
  }
  if (e.name == "subscription_count") out["subscription_count"] = e.count;
  return out;
}

}  // namespace

std::string webhook_body(std::int64_t time_ms, const std::vector<HubEvent>& events) {
  json::array list;
  for (const HubEvent& e : events) list.push_back(payload(e));
  return escape_halves(
      json::serialize(json::object{{"time_ms", time_ms}, {"events", std::move(list)}}));
}

void WebhookQueue::add(HubEvent event, Clock::time_point now) {
  const store::Lock guard(mutex_);
  if (const auto undone = opposite(event.name); !undone.empty()) {
    // Restored within the time: neither its leaving nor its coming back happened.
    const auto it = std::find_if(waiting_.begin(), waiting_.end(), [&](const Waiting& w) {
      return w.event.name == undone && w.event.channel == event.channel &&
             w.event.user_id == event.user_id && w.due > now;
    });
    if (it != waiting_.end()) {
      waiting_.erase(it);
      return;
    }
  }
  if (waiting_.size() >= kWaitingMost) {
    waiting_.pop_front();
    ++dropped_;
  }
  const auto due = waits(event.name) ? now + kUndoneWithin : now;
  waiting_.push_back({std::move(event), due, now});
}

std::optional<WebhookQueue::Request> WebhookQueue::take(std::size_t most, std::int64_t time_ms,
                                                        bool all, Clock::time_point now) {
  std::vector<HubEvent> events;
  Request out;
  {
    const store::Lock guard(mutex_);
    while (!waiting_.empty() && events.size() < most) {
      Waiting& first = waiting_.front();
      if (first.due > now && !all) break;
      if (events.empty()) out.since = first.since;
      events.push_back(std::move(first.event));
      waiting_.pop_front();
    }
  }
  if (events.empty()) return std::nullopt;
  out.events = events.size();
  out.body = webhook_body(time_ms, events);
  return out;
}

void WebhookQueue::drop_old(std::optional<Request>& under_way, Clock::time_point now) {
  const auto too_old = now - kGiveUpAfter - kUndoneWithin;
  const store::Lock guard(mutex_);
  if (under_way && under_way->since < too_old) {
    dropped_ += under_way->events;
    under_way.reset();
  }
  for (; !waiting_.empty() && waiting_.front().since < too_old; ++dropped_) waiting_.pop_front();
}

std::uint64_t WebhookQueue::dropped() {
  const store::Lock guard(mutex_);
  return std::exchange(dropped_, 0);
}

std::optional<WebhookQueue::Clock::time_point> WebhookQueue::next_due() const {
  const store::Lock guard(mutex_);
  return waiting_.empty() ? std::nullopt : std::optional(waiting_.front().due);
}

bool WebhookQueue::empty() const {
  const store::Lock guard(mutex_);
  return waiting_.empty();
}

}  // namespace rollcall::net::inline presence
