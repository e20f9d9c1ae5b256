// What waits in memory for a webhook.
#include "net/presence/webhook_queue.h"

#include <catch2/catch.hpp>

using namespace rollcall::net;
using Clock = WebhookQueue::Clock;

namespace {

HubEvent event(const char* name, const char* channel, const char* user = "") {
  HubEvent out;
  out.name = name;
  out.channel = channel;
  out.user_id = user;
  return out;
}

}  // namespace

TEST_CASE("a request is made once: what comes later, and what undoes it, leaves it as it is",
          "[net]") {
  WebhookQueue queue;
  const Clock::time_point start{};
  queue.add(event("member_removed", "presence-a", "ada"), start);
  CHECK_FALSE(queue.take(100, 1, false, start));  // it may still be undone
  const auto later = start + std::chrono::seconds(3);
  CHECK(queue.next_due() == later);
  const auto request = queue.take(100, 1234, false, later);
  REQUIRE(request);
  CHECK(
      request->body ==
      R"({"time_ms":1234,"events":[{"name":"member_removed","channel":"presence-a","user_id":"ada"}]})");
  queue.add(event("member_added", "presence-a", "ada"), later);
  const auto next = queue.take(100, 5, false, later);
  REQUIRE(next);
  CHECK(next->body.find("member_added") != std::string::npos);
  CHECK(queue.empty());
}

TEST_CASE("a leave that is undone in time, and its undoing, are nothing", "[net]") {
  WebhookQueue queue;
  const Clock::time_point start{};
  queue.add(event("channel_vacated", "a"), start);
  queue.add(event("channel_occupied", "a"), start + std::chrono::seconds(2));
  CHECK(queue.empty());
}

TEST_CASE("what waits has a bound in number and in time, and what is dropped is counted", "[net]") {
  WebhookQueue queue;
  const Clock::time_point start{};
  for (int i = 0; i < 10'005; ++i) queue.add(event("cache_miss", "cache-a"), start);
  CHECK(queue.dropped() == 5);
  auto under_way = queue.take(100, 1, false, start);
  queue.drop_old(under_way, start + std::chrono::minutes(5));
  CHECK(under_way);
  queue.drop_old(under_way, start + std::chrono::minutes(6));
  CHECK_FALSE(under_way);
  CHECK(queue.empty());
  CHECK(queue.dropped() == 10'000);
}
