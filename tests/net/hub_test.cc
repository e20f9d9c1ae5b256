// The hub against an oracle of who is where, and what it remembers for strangers.
#include "net/hub/hub.h"

#include "net/hub/shard.h"
#include "tests/support/scratch.h"

#include <catch2/catch.hpp>

#include <deque>
#include <set>

using namespace rollcall;
using namespace rollcall::net;

namespace {

std::int64_t now = 1;
std::int64_t test_now() { return now; }

ConnectionId id_of(std::uint64_t number, unsigned shard) {
  return (number * kShardsMax + shard) << 32 | (number + 1);
}

struct Kept final : DeliverySink {
  std::deque<Delivery> all;
  void deliver(Delivery delivery) override { all.push_back(std::move(delivery)); }
};

/// Two shards without sockets, clients that come and go, a log that answers late or says no; and
/// beside the hub the plainest possible table of who is where.
class World {
 public:
  World(std::mt19937_64& rng, std::uint32_t members_max, std::uint32_t delay_ms) : rng_(rng) {
    settings_.members_max = members_max;
    settings_.member_removed_delay_ms = delay_ms;
    hub_.emplace(
        settings_, std::vector<DeliverySink*>{&shards_[0], &shards_[1]},
        [this](const HubEvent& e) { told_.push_back(e.name + " " + e.channel + " " + e.user_id); },
        test_now);
  }

  void step() {
    switch (test::below(rng_, 10)) {
      case 0:
      case 1:
      case 2:
        join();
        break;
      case 3:
      case 4:
        leave(anybody(), channels_[test::below(rng_, channels_.size())]);
        break;
      case 5:
        stranger();
        break;
      case 6:
        if (test::below(rng_, 5) == 0) gone(anybody());
        break;
      case 7:
        answer();
        break;
      case 8:
        now += static_cast<std::int64_t>(test::below(rng_, 300));
        hub_->tick();
        pass(now);
        break;
      default:
        publish();
    }
    settle();
    check();
  }

  void finish() {
    while (!log_.empty()) answer();
    settle();
    now += 10'000;
    hub_->tick();
    pass(now);
    settle();
    check();
    // What clients want and were not refused is what there is, here and there.
    for (const auto& [connection, wants] : wanted_)
      for (const auto& [channel, want] : wants) {
        const auto& who = where_[channel].who;
        REQUIRE((who.contains(connection) && who.at(connection).ticket == want.ticket));
        REQUIRE(want.attached != 0);
      }
    for (const auto& [channel, place] : where_)
      for (const auto& [connection, in] : place.who) REQUIRE(wanted_[connection].contains(channel));
  }

 private:
  struct Want {
    Ticket ticket = 0;
    std::uint64_t attached = 0;  ///< the channel's number
  };
  struct In {
    Ticket ticket = 0;
    std::string user;
  };
  struct Place {
    std::map<ConnectionId, In> who;
    std::map<std::string, std::int64_t> leaving;  ///< members whose leave waits, and until when
    [[nodiscard]] std::set<std::string> members() const {
      std::set<std::string> out;
      for (const auto& [connection, in] : who)
        if (!in.user.empty()) out.insert(in.user);
      for (const auto& [user, at] : leaving) out.insert(user);
      return out;
    }
  };

  ConnectionId anybody() { return id_of(1 + test::below(rng_, 8), test::below(rng_, 2) != 0); }
  static bool presence(const std::string& channel) { return channel.starts_with("presence-"); }

  void join() {
    const ConnectionId connection = anybody();
    const std::string& channel = channels_[test::below(rng_, channels_.size())];
    if (wanted_[connection].contains(channel)) return;
    const Ticket ticket = ++tickets_;
    wanted_[connection][channel] = {ticket, 0};
    const std::string user =
        presence(channel) ? "user-" + std::to_string(test::below(rng_, 5)) : std::string();
    if (user.empty())
      subscribe(connection, ticket, channel, user);
    else if (test::below(rng_, 6) == 0)
      log_.push_back([=, this] { hub_->refuse(connection, ticket, channel, "{}"); });
    else
      log_.push_back([=, this] { subscribe(connection, ticket, channel, user); });
  }

  void leave(ConnectionId connection, const std::string& channel) {
    const auto it = wanted_[connection].find(channel);
    if (it == wanted_[connection].end()) return;
    const Ticket ticket = it->second.ticket;
    wanted_[connection].erase(it);
    if (!presence(channel))
      unsubscribe(connection, ticket, channel);
    else
      log_.push_back([=, this] { unsubscribe(connection, ticket, channel); });
  }

  void gone(ConnectionId connection) {
    for (const std::string& channel : channels_) leave(connection, channel);
  }

  /// Who is not in leaves, or who left leaves again.
  void stranger() {
    const ConnectionId connection = anybody();
    const std::string& channel = channels_[test::below(rng_, channels_.size())];
    const auto& wants = wanted_[connection];
    const auto it = wants.find(channel);
    const Ticket other =
        it != wants.end() && it->second.ticket > 1 ? it->second.ticket - 1 : tickets_ + 1000;
    unsubscribe(connection, other, channel);
    unsubscribe(id_of(99, 0), other, channel);
    unsubscribe(id_of(99, 7), other, channel);
  }

  /// The log answers late, and one answer may overtake another.
  void answer() {
    if (log_.empty()) return;
    const std::size_t at = test::below(rng_, 3) == 0 ? test::below(rng_, log_.size()) : 0;
    const auto work = std::move(log_[at]);
    log_.erase(log_.begin() + static_cast<std::ptrdiff_t>(at));
    work();
  }

  void subscribe(ConnectionId connection, Ticket ticket, const std::string& channel,
                 const std::string& user) {
    const Hub::Member member{user, "null"};
    const auto full = hub_->subscribe(connection, ticket, channel, *channel_kind(channel),
                                      user.empty() ? nullptr : &member, 0);
    Place& place = where_[channel];
    if (const auto in = place.who.find(connection);
        in != place.who.end() && in->second.ticket > ticket) {
      REQUIRE_FALSE(full.has_value());  // a newer one is in, and stays in
      return;
    }
    const bool occupied = !place.who.empty();
    take_out(channel, connection);
    const auto members = place.members();
    const bool room = user.empty() || members.contains(user) || settings_.members_max == 0 ||
                      members.size() < settings_.members_max;
    REQUIRE(full.has_value() == !room);
    if (!room) {
      if (occupied && place.who.empty()) expected_.push_back("channel_vacated " + channel + " ");
      hub_->refuse(connection, ticket, channel, "{}");
      return;
    }
    if (!user.empty() && !members.contains(user))
      expected_.push_back("member_added " + channel + " " + user);
    place.leaving.erase(user);
    place.who[connection] = {ticket, user};
    if (!occupied) expected_.push_back("channel_occupied " + channel + " ");
  }

  void unsubscribe(ConnectionId connection, Ticket ticket, const std::string& channel) {
    hub_->unsubscribe(connection, ticket, channel, 0);
    Place& place = where_[channel];
    const auto it = place.who.find(connection);
    if (it == place.who.end() || it->second.ticket != ticket) return;
    take_out(channel, connection);
    if (place.who.empty()) expected_.push_back("channel_vacated " + channel + " ");
  }

  void take_out(const std::string& channel, ConnectionId connection) {
    Place& place = where_[channel];
    const auto it = place.who.find(connection);
    if (it == place.who.end()) return;
    const std::string user = it->second.user;
    place.who.erase(it);
    if (user.empty()) return;
    for (const auto& [other, in] : place.who)
      if (in.user == user) return;
    if (settings_.member_removed_delay_ms != 0)
      place.leaving[user] = now + settings_.member_removed_delay_ms;
    else
      expected_.push_back("member_removed " + channel + " " + user);
  }

  /// The hub was told the time.
  void pass(std::int64_t at) {
    for (auto& [channel, place] : where_)
      for (auto it = place.leaving.begin(); it != place.leaving.end();) {
        if (it->second > at) {
          ++it;
          continue;
        }
        ticked_.insert("member_removed " + channel + " " + it->first);
        it = place.leaving.erase(it);
      }
  }

  void publish() {
    const std::string& channel = channels_[test::below(rng_, channels_.size())];
    const ConnectionId except = test::below(rng_, 2) == 0 ? anybody() : 0;
    settle();
    heard_.clear();
    hub_->publish_event(channel, *channel_kind(channel), "e", "1", except);
    settle();
    std::multiset<ConnectionId> right;
    for (const auto& [connection, in] : where_[channel].who) {
      const auto& wants = wanted_[connection];
      const auto want = wants.find(channel);
      const bool attached = want != wants.end() && want->second.ticket == in.ticket;
      if (attached && connection != except) right.insert(connection);
    }
    REQUIRE(heard_ == right);
  }

  /// What the shards do with what they were told.
  void settle() {
    while (!shards_[0].all.empty() || !shards_[1].all.empty()) {
      Kept& shard = shards_[shards_[0].all.empty() ? 1 : 0];
      const Delivery d = std::move(shard.all.front());
      shard.all.pop_front();
      if (d.what == Delivery::What::Attach) {
        const auto it = wanted_[d.connection].find(d.text);
        if (it != wanted_[d.connection].end() && it->second.ticket == d.ticket)
          it->second.attached = d.channel;
        else
          unsubscribe(d.connection, d.ticket, d.text);
      } else if (d.what == Delivery::What::Refuse) {
        const auto it = wanted_[d.connection].find(d.text);
        if (it != wanted_[d.connection].end() && it->second.ticket == d.ticket)
          wanted_[d.connection].erase(it);
      } else if (d.what == Delivery::What::Frame || d.what == Delivery::What::Vanished) {
        for (const auto& [connection, wants] : wanted_)
          for (const auto& [channel, want] : wants) {
            if (want.attached != d.channel || &shards_[shard_of(connection)] != &shard) continue;
            REQUIRE(d.what == Delivery::What::Frame);  // nobody is left behind in what vanishes
            if (connection != d.connection) heard_.insert(connection);
          }
      }
    }
  }

  void check() {
    std::multiset<std::string> right(expected_.begin(), expected_.end());
    right.insert(ticked_.begin(), ticked_.end());
    REQUIRE(std::multiset<std::string>(told_.begin(), told_.end()) == right);
    told_.clear();
    expected_.clear();
    ticked_.clear();
    std::size_t occupied = 0;
    for (const std::string& channel : channels_) {
      const Place& place = where_[channel];
      occupied += place.who.empty() ? 0 : 1;
      const auto info = hub_->channel(channel);
      REQUIRE(info.subscriptions == place.who.size());
      REQUIRE(hub_->occupied(channel) == !place.who.empty());
      std::set<std::string> members;
      for (const auto& member : hub_->members(channel)) members.insert(member.user_id);
      REQUIRE(members == place.members());
      REQUIRE(info.users == members.size());
    }
    REQUIRE(hub_->channels("").size() == occupied);
  }

  const std::vector<std::string> channels_{"room", "private-room", "presence-a", "presence-b"};
  std::mt19937_64& rng_;
  AppSettings settings_;
  std::array<Kept, 2> shards_;
  std::optional<Hub> hub_;
  Ticket tickets_ = 0;
  std::map<ConnectionId, std::map<std::string, Want>> wanted_;
  std::map<std::string, Place> where_;
  std::vector<std::function<void()>> log_;
  std::vector<std::string> told_, expected_;
  std::set<std::string> ticked_;
  std::multiset<ConnectionId> heard_;
};

std::size_t count(const std::vector<std::string>& all, const std::string& one) {
  return static_cast<std::size_t>(std::count(all.begin(), all.end(), one));
}

}  // namespace

TEST_CASE("the hub knows who is where, whatever comes late, twice or from strangers",
          "[net][property]") {
  const std::uint64_t seed = test::test_seed();
  INFO("reproduce with ROLLCALL_SEED=" << seed);
  std::mt19937_64 rng{seed};
  for (int round = 0; round < 60; ++round) {
    World world(rng, static_cast<std::uint32_t>(test::below(rng, 4)),
                test::below(rng, 2) == 0 ? 0 : 500);
    for (int step = 0; step < 300; ++step) world.step();
    world.finish();
  }
}

TEST_CASE("a miss is told once while anybody is there, and forgotten with the last", "[net]") {
  AppSettings settings;
  Kept shard;
  std::vector<std::string> misses;
  Hub hub(
      settings, {&shard},
      [&](const HubEvent& e) {
        if (e.name == "cache_miss") misses.push_back(e.channel);
      },
      test_now);
  const auto kind = *channel_kind("cache-x");
  const auto visit = [&](std::uint64_t number, const std::string& name) {
    hub.subscribe(id_of(number, 0), 1, name, kind, nullptr, 0);
  };
  // More names than anybody keeps, of one stranger who comes and goes.
  for (int i = 0; i < 101'000; ++i) {
    const std::string name = "cache-" + std::to_string(i);
    visit(1, name);
    hub.unsubscribe(id_of(1, 0), 1, name, 0);
    shard.all.clear();
  }
  CHECK(misses.size() == 101'000);
  misses.clear();
  visit(2, "cache-x");
  visit(3, "cache-x");
  CHECK(misses == std::vector<std::string>{"cache-x"});
  hub.publish_event("cache-x", kind, "e", "1", 0);
  visit(4, "cache-x");
  CHECK(misses.size() == 1);
  now += 1'800'001;  // what was cached has run out: news
  visit(5, "cache-x");
  visit(6, "cache-x");
  CHECK(count(misses, "cache-x") == 2);
}

TEST_CASE("what is cached is bounded: the oldest goes, and what has run out", "[net]") {
  AppSettings settings;
  settings.cache_ttl_s = 10;
  Kept shard;
  Hub hub(
      settings, {&shard}, [](const HubEvent&) {}, test_now);
  const auto kind = *channel_kind("cache-x");
  hub.publish_event("cache-first", kind, "e", "1", 0);
  hub.publish_event("cache-second", kind, "e", "1", 0);
  hub.publish_event("cache-first", kind, "e", "2", 0);  // news: the second is the oldest now
  for (int i = 0; i < 99'999; ++i)
    hub.publish_event("cache-" + std::to_string(i), kind, "e", "1", 0);
  CHECK_FALSE(hub.cached("cache-second"));
  REQUIRE(hub.cached("cache-first"));
  CHECK(hub.cached("cache-first")->data == "2");
  CHECK(hub.cached("cache-99998"));
  now += 10'001;
  hub.tick();
  CHECK_FALSE(hub.cached("cache-99998"));
}

TEST_CASE("a user is met wherever a connection speaks as that user, once", "[net]") {
  AppSettings settings;
  Kept shard;
  Hub hub(
      settings, {&shard}, [](const HubEvent&) {}, test_now);
  const ConnectionId a = id_of(1, 0), b = id_of(2, 0);
  hub.signed_in(a, "ada", {});
  hub.speaks_as(a, "ada");
  hub.speaks_as(b, "ada");
  hub.speaks_as(b, "ada");
  hub.speaks_no_more(b, "ada");
  CHECK(hub.terminate("ada") == 2);
  REQUIRE(shard.all.size() == 2);
  for (const Delivery& d : shard.all) {
    CHECK(d.what == Delivery::What::Close);
    CHECK(d.code == 4009);
  }
  hub.speaks_no_more(b, "ada");
  CHECK(hub.terminate("ada") == 1);
  hub.signed_out(a, "ada", {});
  hub.speaks_no_more(a, "ada");
  CHECK(hub.terminate("ada") == 0);
}

TEST_CASE("a subscription is found under its very name and no other", "[net][property]") {
  const std::uint64_t seed = test::test_seed();
  INFO("reproduce with ROLLCALL_SEED=" << seed);
  std::mt19937_64 rng{seed};
  Connection connection;
  std::set<std::string> in;
  const auto join = [&](const std::string& name) {
    if (in.insert(name).second)
      connection.subscriptions.push_back({nullptr, std::make_unique<std::string>(name), 0, 1});
  };
  // Pairs that libstdc++'s std::hash cannot tell apart, and names that differ in little.
  join("whwswqdfGuJQsXtq");
  join("tkgzaera7irbgkat");
  CHECK(Shard::subscription(connection, "private-orders") == nullptr);
  CHECK(Shard::subscription(connection, "private-presence") == nullptr);
  const auto any = [&] {
    std::string name = "private-";
    for (std::size_t i = test::below(rng, 4); i > 0; --i) name += "ab.="[test::below(rng, 4)];
    return name;
  };
  for (int i = 0; i < 100; ++i) join(any());
  for (int i = 0; i < 1000; ++i) {
    const std::string name = any();
    const Subscription* found = Shard::subscription(connection, name);
    REQUIRE((found != nullptr) == in.contains(name));
    if (found != nullptr) REQUIRE(name_of(*found) == name);
  }
}
