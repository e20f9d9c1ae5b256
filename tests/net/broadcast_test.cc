// What watchers are told: net changes, once, in order, and nothing of who hides or was forgotten.
#include "net/presence/broadcast.h"

#include "net/wire/pusher_message.h"
#include "store/forget.h"
#include "tests/support/random_history.h"
#include "tests/support/stores.h"

#include <boost/json.hpp>
#include <catch2/catch.hpp>

#include <algorithm>
#include <deque>
#include <map>

using namespace rollcall;
using engine::Kind;
using engine::Micros;
using engine::Override;
using engine::Presence;
using engine::UserNumber;
using store::Writer;
using test::kSecond;
using test::kStart;

namespace {

namespace json = boost::json;

net::ConnectionId id_of(std::uint64_t number) { return number * net::kShardsMax << 32 | number; }

struct Kept final : net::DeliverySink {
  std::deque<net::Delivery> all;
  void deliver(net::Delivery delivery) override { all.push_back(std::move(delivery)); }
};

/// The text of a server's frame.
constexpr const char* kAll = "private-presence";

std::string text_of(const std::string& framed) {
  const auto size = static_cast<std::uint8_t>(framed[1]);
  return framed.substr(size < 126 ? 2 : size == 126 ? 4 : 10);
}

/// A store, its board and who tells of it; the test is the shard and its thread.
class Told {
  test::MemoryStore store_;

 public:
  Told() : writer(store_.create()) {
    node = writer->stage_restart(1, kStart);
    writer->commit().value();
    board.start(*writer);
    writer->observe([this](const Writer::Batch& batch) { board.apply(batch); });
    broadcast.set_reading([this]() -> std::shared_ptr<const store::ReadView> {
      ++flushes_;  // each begins by asking for it
      if (!readable) return nullptr;
      return {writer, &writer->view()};
    });
  }

  void subscribe(std::uint64_t number, const std::string& channel) {
    hub.subscribe(id_of(number), ++tickets_, channel, *net::channel_kind(channel), nullptr, 0);
    channels_[sink.all.back().channel] = channel;
    sink.all.clear();
  }
  /// A second after whatever was before.
  void write(const store::Proposal& p) { writer->write(p, at += kSecond).value(); }
  /// As after a durable batch: the loop turns until what is due was told, a tick at the most.
  void flush() {
    broadcast.notify();
    until_flushed();
  }
  void until_flushed() {
    for (const int before = flushes_; flushes_ == before;) loop.io().run_one();
  }
  /// Every message so far, as "channel: text" or "connection: text" of one.
  std::vector<std::string> heard() {
    std::vector<std::string> out;
    for (const net::Delivery& d : sink.all)
      if (d.what == net::Delivery::What::Frame)
        out.push_back(channels_[d.channel] + ": " + text_of(*d.bytes));
      else if (d.what == net::Delivery::What::Control)
        out.push_back(std::to_string(d.connection & 0xFFFFFFFF) + ": " + text_of(*d.bytes));
    sink.all.clear();
    return out;
  }
  std::shared_ptr<Writer> writer;
  net::Board board;
  Kept sink;
  net::AppSettings settings;
  net::Hub hub{settings, {&sink}, [](const net::HubEvent&) {}};
  net::Loop loop;
  net::Broadcast broadcast{board, hub, loop};
  bool readable = true;
  Micros at = kStart;
  std::uint64_t node = 0;  ///< the writer's, and its epoch

 private:
  int flushes_ = 0;
  net::Ticket tickets_ = 0;
  std::map<std::uint64_t, std::string> channels_;
};

/// What PresenceChanged says, of the messages on the channel of all.
struct Change {
  std::string user, state, previous, cause;
  engine::Seq seq = 0;
};
std::vector<Change> changes_in(const std::vector<std::string>& heard) {
  std::vector<Change> out;
  const std::string prefix = std::string(kAll) + ": ";
  for (const std::string& one : heard) {
    if (!one.starts_with(prefix)) continue;
    const json::value message = json::parse(one.substr(prefix.size()));
    if (message.at("event") != "PresenceChanged") continue;
    const json::value data = json::parse(message.at("data").as_string());
    const auto text = [&](const char* key) { return std::string(data.at(key).as_string()); };
    out.push_back({text("user"), text("state"), text("previous"), text("cause"),
                   data.at("seq").to_number<engine::Seq>()});
  }
  return out;
}

/// The events on the channel of all, by name.
std::vector<std::string> names_in(const std::vector<std::string>& heard) {
  std::vector<std::string> out;
  for (const std::string& one : heard)
    out.emplace_back(json::parse(one.substr(one.find(": ") + 2)).at("event").as_string());
  return out;
}

store::Proposal logout(const std::string& user) {
  return test::about(Kind::Logout, user, 0, engine::Cause::Logout);
}
store::Proposal status(const std::string& user, Override how, const std::string& text = {}) {
  store::Proposal out = test::about(Kind::StatusSet, user, 0, engine::Cause::User);
  out.flags = static_cast<std::uint16_t>(how);
  out.body.status_text = text;
  return out;
}

}  // namespace

TEST_CASE("what came to nothing within a tick is told to nobody", "[net]") {
  Told told;
  told.subscribe(1, kAll);
  told.write(test::login("ada", "a"));
  told.flush();
  CHECK(told.heard().size() == 1);
  for (int i = 0; i < 5; ++i) {  // a storm of reconnects
    told.write(logout("ada"));
    told.broadcast.notify();
    told.write(test::login("ada", "a"));
    told.broadcast.notify();
  }
  told.write(test::login("bob", "a"));
  told.write(logout("bob"));
  told.write(test::login("bob", "a"));
  told.flush();
  const auto changes = changes_in(told.heard());
  REQUIRE(changes.size() == 1);
  CHECK(changes[0].user == "bob");
  CHECK(changes[0].state == engine::name_of(Presence::Online));
  CHECK(changes[0].cause == "login");
  CHECK(changes[0].seq == told.writer->state().seq);  // of the login that stands
}

TEST_CASE("a change is told on the channel of all, on the user's own, and to each who watches",
          "[net]") {
  Told told;
  told.write(test::login("ada", "a"));
  told.flush();
  CHECK(told.heard().empty());  // nobody was there to hear
  told.subscribe(1, kAll);
  told.subscribe(2, *net::presence_channel_of("ada"));
  told.subscribe(3, *net::presence_channel_of("bob"));
  told.hub.signed_in(id_of(4), "zoe", {"ada", "bob"});
  told.hub.signed_in(id_of(5), "eve", {"bob"});
  told.write(status("ada", Override::Away));
  told.flush();
  auto heard = told.heard();
  std::vector<std::string> watchers;
  for (const std::string& one : heard)
    if (one.starts_with("4: ") || one.starts_with("5: ")) watchers.push_back(one);
  // Whoever is away is online for those who know online and offline alone.
  CHECK(watchers ==
        std::vector<std::string>{
            "4: " + net::message::watchlist_events({{"online", {"ada"}}, {"away", {"ada"}}})});
  const auto changes = changes_in(heard);
  REQUIRE(changes.size() == 1);
  CHECK(changes[0].previous == engine::name_of(Presence::Online));
  CHECK(changes[0].state == engine::name_of(Presence::Away));
  std::size_t own = 0;
  for (const std::string& one : heard) {
    own +=
        one.find("private-presence.ada: ") == 0 && one.find("PresenceChanged") != std::string::npos;
    CHECK(one.find("private-presence.bob: ") != 0);
  }
  CHECK(own == 1);
  told.write(logout("ada"));
  told.write(test::login("bob", "a"));
  told.flush();
  heard = told.heard();
  CHECK(std::count(heard.begin(), heard.end(),
                   "4: " + net::message::watchlist_events(
                               {{"online", {"bob"}}, {"offline", {"ada"}}})) == 1);
  CHECK(std::count(heard.begin(), heard.end(),
                   "5: " + net::message::watchlist_events({{"online", {"bob"}}})) == 1);
}

TEST_CASE("who hides has gone for others, whatever he does and says", "[net]") {
  Told told;
  told.subscribe(1, kAll);
  told.write(test::login("zoe", "a"));
  told.flush();
  (void)told.heard();
  told.write(status("zoe", Override::Invisible, "nobody reads this"));
  told.flush();
  auto heard = told.heard();
  const auto changes = changes_in(heard);
  REQUIRE(changes.size() == 1);
  CHECK(changes[0].state == engine::name_of(Presence::Offline));
  CHECK(changes[0].cause == "logout");
  for (const std::string& one : heard) CHECK(one.find("nobody reads") == std::string::npos);
  told.write(logout("zoe"));
  told.write(test::login("zoe", "b"));
  told.write(status("zoe", Override::Invisible, "nor this"));
  told.flush();
  CHECK(told.heard().empty());
  told.write(test::about(Kind::StatusCleared, "zoe", 0, engine::Cause::User));
  told.flush();
  CHECK(names_in(told.heard()) == std::vector<std::string>{"PresenceChanged", "StatusChanged"});
}

TEST_CASE("who was forgotten is told by number alone", "[net]") {
  Told told;
  told.subscribe(1, kAll);
  told.write(test::login("zoe", "a"));
  told.flush();
  (void)told.heard();
  const UserNumber zoe = told.writer->vault().number_of("zoe").value();
  const auto plan = store::plan_forget(*told.writer, zoe);
  (void)store::forget(*told.writer, plan, {"a request", "", false}, told.at += kSecond).value();
  told.flush();
  const auto heard = told.heard();
  CHECK(names_in(heard) == std::vector<std::string>{"PersonForgotten"});
  for (const std::string& one : heard) CHECK(one.find("zoe") == std::string::npos);
}

TEST_CASE("what changes while the log is shut is told once it is open", "[net]") {
  Told told;
  told.subscribe(1, kAll);
  told.readable = false;
  told.write(test::login("ada", "a"));
  told.flush();
  told.until_flushed();  // by itself, and again
  CHECK(told.heard().empty());
  told.readable = true;
  told.until_flushed();
  CHECK(changes_in(told.heard()).size() == 1);
}

TEST_CASE("after any history who follows the changes knows how everybody is", "[net][property]") {
  const std::uint64_t seed = test::test_seed();
  INFO("reproduce with ROLLCALL_SEED=" << seed);
  std::mt19937_64 rng{seed};
  Told told;
  told.subscribe(1, kAll);
  std::map<std::string, std::string> known;
  engine::Seq last = 0;
  Micros at = kStart;
  for (int part = 0; part < 25; ++part) {
    for (std::uint64_t i = test::below(rng, 40); i > 0; --i) {
      at = std::max(at + static_cast<Micros>(test::below(rng, 60 * kSecond)),
                    told.writer->state().at);
      test::do_something(*told.writer, told.node, rng, at);
    }
    told.writer->commit(store::Durable::No).value();
    told.flush();
    engine::Seq newest = last;
    for (const Change& change : changes_in(told.heard())) {
      const auto before = known.find(change.user);
      CHECK(change.previous == (before == known.end() ? engine::name_of(Presence::Offline)
                                                      : std::string_view(before->second)));
      CHECK(change.state != change.previous);
      CHECK(change.seq > last);  // later than all that was told before
      newest = std::max(newest, change.seq);
      known[change.user] = change.state;
    }
    last = newest;
    for (UserNumber n = 1; n < told.writer->state().users.size(); ++n) {
      const auto name = told.writer->vault().name_of(n).value();
      const auto found = known.find(name);
      REQUIRE((found == known.end()
                   ? std::string(engine::name_of(Presence::Offline))
                   : found->second) == engine::name_of(told.writer->state().users[n].visible));
    }
  }
}
