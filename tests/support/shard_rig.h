// A shard on its own thread, with real sockets, a clock that the test moves and a protocol that
// does what it is told.
#pragma once

#include "net/hub/shard.h"
#include "net/wire/pusher_message.h"
#include "tests/support/far_end.h"

#include <catch2/catch.hpp>

#include <atomic>
#include <functional>
#include <future>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace rollcall::test {

inline std::atomic<std::int64_t> now_ms = 1'000'000;
inline std::int64_t test_now() { return now_ms; }

struct Shop final : net::Tenant {
  using Tenant::Tenant;
};

/// Does what a message says; notes what it is told.
class Scripted final : public net::Protocol {
 public:
  Scripted(net::Shard& shard, net::Hub& hub) : shard_(shard), hub_(hub) {}

  std::string opened(net::Connection& connection) override {
    last = connection.id;
    return net::frame(net::Opcode::Text, "welcome");
  }
  void message(net::Connection& connection, std::string_view text) override {
    heard.emplace_back(text);
    const std::string word(text.substr(0, text.find(' ')));
    const std::string rest(text.substr(std::min(text.size(), word.size() + 1)));
    if (word == "join") {
      const net::Ticket ticket = shard_.await_place(connection, rest);
      hub_.subscribe(connection.id, ticket, rest, *net::channel_kind(rest), nullptr, 0);
    } else if (word == "leave") {
      const net::Ticket ticket = net::Shard::subscription(connection, rest)->ticket;
      shard_.detach(connection, rest);
      hub_.unsubscribe(connection.id, ticket, rest, 0);
    } else if (word == "say") {
      shard_.send_message(connection, rest);
    } else if (word == "owe") {  // as many messages of so many bytes
      const std::size_t count = std::stoul(rest);
      const std::string one(std::stoul(rest.substr(rest.find(' '))), 'o');
      for (std::size_t i = 0; i < count; ++i) shard_.send_message(connection, one);
    }
  }
  void closed(net::Connection& connection, End end) override {
    ended.emplace_back(connection.id, end);
    for (const net::Subscription& s : connection.subscriptions)
      hub_.unsubscribe(connection.id, s.ticket, net::name_of(s), 0);
  }
  void refused(net::Connection&, const std::string& channel, net::Ticket) override {
    refusals.push_back(channel);
  }
  void fell_behind(net::Connection& connection, const std::string& channel) override {
    shard_.send_message(connection, "behind in " + channel);
  }

  // On the shard's thread:
  net::ConnectionId last = 0;
  std::vector<std::string> heard, refusals;
  std::vector<std::pair<net::ConnectionId, End>> ended;

 private:
  net::Shard& shard_;
  net::Hub& hub_;
};

inline net::Settings shop_settings(const std::function<void(net::Settings&)>& change) {
  net::Settings out;
  out.apps.emplace_back();
  out.apps[0].message_max = 1000;
  out.apps[0].activity_timeout_s = 10;
  out.apps[0].pong_timeout_s = 5;
  change(out);
  return out;
}

class Rig {
 public:
  explicit Rig(const std::function<void(net::Settings&)>& change = [](net::Settings&) {})
      : settings(shop_settings(change)), shop(settings.apps[0]) {
    shard.set_protocol(protocol);
    thread_ = std::thread([this] { shard.run(); });
  }
  ~Rig() {
    shard.stop();
    thread_.join();
  }
  Rig(const Rig&) = delete;
  Rig& operator=(const Rig&) = delete;

  /// What the work gives, done on the shard's thread.
  template <class Work>
  auto there(Work work) {
    std::packaged_task<decltype(work())()> task(std::move(work));
    auto out = task.get_future();
    shard.loop().post([&task] { task(); });
    return out.get();
  }
  /// Its number; the welcome is read.
  net::ConnectionId open(FarEnd& far, std::string_view early = "") {
    const net::ConnectionId id = there([&] {
      shard.adopt(far.give_near(), shop, "", early, "127.0.0.1\nfar end");
      return protocol.last;
    });
    REQUIRE(far.text() == "welcome");
    return id;
  }
  void join(FarEnd& far, const std::string& channel) {
    far.say("join " + channel);
    REQUIRE(far.text() == net::message::subscription_succeeded(channel));
  }
  /// The clock goes on, and the shard looks who is alive.
  void pass(std::int64_t seconds) {
    now_ms += seconds * 1000;
    there([this] { shard.tick(); });
  }
  template <class Reached>
  void until(const Reached& reached) {
    while (!there(reached)) std::this_thread::yield();
  }
  /// How the connections ended so far, once so many did.
  std::vector<net::Protocol::End> ends(std::size_t count) {
    until([&] { return protocol.ended.size() >= count; });
    return there([&] {
      std::vector<net::Protocol::End> out;
      for (const auto& [id, end] : protocol.ended) out.push_back(end);
      return out;
    });
  }
  void until_open(std::size_t connections) {
    while (shard.connection_count() != connections) std::this_thread::yield();
  }

  const net::Settings settings;
  Shop shop;
  net::Shard shard{0, settings, test_now};
  net::Hub hub{shop.settings(), {&shard}, [](const net::HubEvent&) {}, test_now};
  Scripted protocol{shard, hub};

 private:
  std::thread thread_;
};

}  // namespace rollcall::test
