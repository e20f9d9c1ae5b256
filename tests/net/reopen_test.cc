// A sync that failed although the data arrived: the log, opened anew, holds events that nobody
// heard of. Everybody who follows must hear of them then.
#include "net/presence/board.h"
#include "net/presence/broadcast.h"
#include "net/presence/sessions.h"
#include "store/forget.h"
#include "store/live.h"
#include "store/open_store.h"
#include "tests/support/failing_disk.h"
#include "tests/support/stores.h"

#include <catch2/catch.hpp>

#include <atomic>
#include <condition_variable>
#include <future>
#include <mutex>
#include <thread>

using namespace rollcall;
using engine::Kind;
using engine::Presence;
using store::Proposal;
using store::Transaction;
using store::Writer;

namespace {

/// Something that other threads change and a test waits for.
class Watched {
 public:
  template <class Change>
  void change(const Change& change) {
    {
      const std::lock_guard guard(mutex_);
      change();
    }
    changed_.notify_all();
  }
  template <class Reached>
  void until(const Reached& reached) const {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, reached);
  }

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
};

/// A live log, who follows it, and the seqs that the follower saw.
struct Followed {
  net::Board board;
  std::vector<engine::Seq> seen;
  std::unique_ptr<store::Live> live;
  std::atomic<int> stops = 0;
  Watched health;

  explicit Followed(const store::Layout& layout) {
    store::LiveOptions options;
    options.on_start = [this](const Writer& writer) { board.start(writer); };
    options.on_durable = [this](const Writer::Batch& batch) {
      board.apply(batch);
      for (const auto& event : batch.events) seen.push_back(event.header.seq);
    };
    options.on_health = [this](const auto& problem) {
      health.change([&] { stops += problem ? 1 : 0; });
    };
    live = store::Live::start(layout, options).value();
  }

  /// Nothing where the writer is stopped; else whether it became durable.
  std::optional<bool> write(const Proposal& p) {
    std::promise<bool> told;
    auto durable = told.get_future();
    const bool taken = live->submit([&](Transaction& transaction) {
      (void)transaction.append(p);
      transaction.when_durable(
          [&](const store::Result<void>& ok) { told.set_value(ok.has_value()); });
    });
    if (!taken) return std::nullopt;
    return durable.get();
  }
  /// Until the log was given up so many times and is open again.
  void until_reopened(int times) const {
    health.until([&] { return stops >= times && live->writable(); });
  }
};

Proposal proposal(Kind kind, const std::string& user, engine::Seq session = 0) {
  Proposal p;
  p.kind = kind;
  p.user = user;
  p.session = session;
  if (kind == Kind::Login) p.body.external_key = std::string(store::kDefaultSession);
  if (kind == Kind::Logout) p.cause = engine::Cause::Logout;
  return p;
}

}  // namespace

TEST_CASE("a logout whose sync failed and which is in the log is told once the log is open again",
          "[net][crash]") {
  const test::Scratch scratch;
  const auto layout = test::layout_in(scratch.path());
  Followed f(layout);
  REQUIRE(f.write(proposal(Kind::Login, "ada")) == true);
  const auto ada = f.live->reading()->vault().number_of("ada").value();
  CHECK(f.board.of(ada)->state == Presence::Online);
  (void)f.board.take_changes();
  test::fail_syncs(".log", 1);
  CHECK(f.write(proposal(Kind::Logout, "ada")) == false);  // unknown to whoever asked
  f.until_reopened(1);
  CHECK(test::syncs_left_to_fail() == 0);
  CHECK(f.stops == 1);
  CHECK(f.board.of(ada)->state == Presence::Offline);
  CHECK(f.board.of(ada)->sessions == 0);
  const auto changes = f.board.take_changes();
  REQUIRE(changes.size() == 1);
  CHECK(changes[0].now == Presence::Offline);
  CHECK(f.board.seq() == f.live->reading()->log().last());
}

TEST_CASE("after any failed commits the board is the fold of the log, and hears each event once",
          "[net][crash][property]") {
  const std::uint64_t seed = test::test_seed();
  INFO("reproduce with ROLLCALL_SEED=" << seed);
  std::mt19937_64 rng{seed};
  const test::Scratch scratch;
  const auto layout = test::layout_in(scratch.path());
  engine::Seq before = 0;
  {
    Followed f(layout);
    before = f.board.seq();
    for (int i = 0; i < 150; ++i) {
      const std::string user = "u" + std::to_string(test::below(rng, 6));
      if (test::below(rng, 20) == 0) test::fail_syncs(".log", 1);
      const bool in = test::below(rng, 2) == 0;
      Proposal p = proposal(in ? Kind::Login : Kind::Logout, user);
      std::promise<void> done;
      if (!f.live->submit([&](Transaction& transaction) {
            const auto open = transaction.writer().session_by_key(user, store::kDefaultSession);
            p.session = open.value_or(0);
            if (in != open.has_value()) (void)transaction.append(p);
            transaction.when_durable([&](const auto&) { done.set_value(); });
          })) {
        f.until_reopened(0);
        continue;
      }
      done.get_future().wait();
    }
    test::fail_syncs(".log", 0);
    Proposal alive;
    alive.kind = Kind::AliveMark;
    while (f.write(alive) != true) f.until_reopened(0);
    f.live->stop();
    const auto writer = open_store(layout).value();
    net::Board folded;
    folded.start(*writer);
    CHECK(f.board.seq() == folded.seq());
    for (engine::UserNumber n = 1; n < writer->state().users.size(); ++n) {
      INFO("user #" << n);
      CHECK(f.board.of(n)->state == folded.of(n)->state);
      CHECK(f.board.of(n)->visible == folded.of(n)->visible);
      CHECK(f.board.of(n)->sessions == folded.of(n)->sessions);
      CHECK(f.board.of(n)->since == folded.of(n)->since);
    }
    REQUIRE(f.seen.size() == folded.seq() - before);
    for (std::size_t i = 0; i < f.seen.size(); ++i) REQUIRE(f.seen[i] == before + i + 1);
  }
}

TEST_CASE("what runs alone is over and durable when its caller goes on, however many wait",
          "[net][crash]") {
  const test::Scratch scratch;
  Followed f(test::layout_in(scratch.path()));
  std::atomic<int> running = 0, wrong = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 30; ++i) {
        engine::Seq seq = 0;
        const auto done = f.live->exclusively([&](Writer& writer, engine::Micros at) {
          if (++running != 1) ++wrong;
          seq = writer.stage(proposal(Kind::Login, "t" + std::to_string(t * 100 + i)), at)->seq;
          --running;
          return store::Result<void>();
        });
        const auto reading = f.live->reading();
        if (!done || seq == 0 || reading->log().last() < seq) ++wrong;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(wrong == 0);
}

TEST_CASE("work that runs alone and whose commit fails says so, and the log is opened anew",
          "[net][crash]") {
  const test::Scratch scratch;
  Followed f(test::layout_in(scratch.path()));
  test::fail_syncs(".log", 1);
  const auto done = f.live->exclusively([&](Writer& writer, engine::Micros at) {
    (void)writer.stage(proposal(Kind::Login, "ada"), at);
    return store::Result<void>();
  });
  CHECK_FALSE(done);
  f.until_reopened(1);
  CHECK(f.write(proposal(Kind::Login, "ben")) == true);
  const auto reading = f.live->reading();
  const auto ada = reading->vault().number_of("ada");
  REQUIRE(ada);
  CHECK(f.board.of(*ada)->state == Presence::Online);
}

TEST_CASE("an erasure whose vault could not be written is finished by itself once it can be",
          "[net][crash]") {
  const test::Scratch scratch;
  const auto layout = test::layout_in(scratch.path());
  Followed f(layout);
  REQUIRE(f.write(proposal(Kind::Login, "ada")) == true);
  const auto ada = f.live->reading()->vault().number_of("ada").value();
  const auto in_the_way = layout.vault() / "records.new";
  std::filesystem::create_directory(in_the_way);
  const auto erased = f.live->exclusively([&](Writer& writer, engine::Micros at) {
    const auto done =
        store::forget(writer, store::plan_forget(writer, ada), {"asked", "", false}, at);
    return done ? store::Result<void>() : store::Result<void>(done.error());
  });
  REQUIRE_FALSE(erased);
  CHECK(erased.error().detail.find("the erasure has begun") != std::string::npos);
  std::filesystem::remove(in_the_way);
  f.until_reopened(1);
  CHECK_FALSE(f.board.of(ada));
  CHECK_FALSE(f.live->reading()->vault().user_key(ada));
  CHECK(f.write(proposal(Kind::Login, "ben")) == true);
}

namespace {

/// Counts what is published.
struct Heard final : net::DeliverySink {
  std::atomic<int> frames = 0;
  Watched delivered;
  void deliver(net::Delivery delivery) override {
    if (delivery.what == net::Delivery::What::Frame) delivered.change([&] { ++frames; });
  }
};

}  // namespace

TEST_CASE("a change that falls into the opening of the log is told afterwards, not dropped",
          "[net][crash]") {
  const test::Scratch scratch;
  Followed f(test::layout_in(scratch.path()));
  const net::AppSettings settings;
  Heard heard;
  net::Hub hub(settings, {&heard}, [](const net::HubEvent&) {});
  const std::string channel(net::kPresenceChannel);
  REQUIRE_FALSE(hub.subscribe(net::ConnectionId{net::kShardsMax} << 32 | 1, 1, channel,
                              net::channel_kind(channel).value(), nullptr, 0));
  net::Loop loop;
  net::Broadcast broadcast(f.board, hub, loop);
  std::atomic<int> asked = 0;
  Watched asking;
  std::atomic<bool> open = false;
  broadcast.set_reading([&]() -> std::shared_ptr<const store::ReadView> {
    asking.change([&] { ++asked; });
    return open ? f.live->reading() : nullptr;
  });
  REQUIRE(f.write(proposal(Kind::Login, "ada")) == true);
  std::thread thread([&] { loop.run([](auto) {}); });
  broadcast.notify();
  asking.until([&] { return asked >= 3; });
  CHECK(heard.frames == 0);
  open = true;
  heard.delivered.until([&] { return heard.frames != 0; });
  loop.stop();
  thread.join();
  CHECK(heard.frames == 1);
}

namespace {

/// Connections over a live log, which resume as the server's do.
struct Connected {
  std::unique_ptr<net::Sessions> sessions;
  std::atomic<int> resumed = 0;
  Watched health;
  std::unique_ptr<store::Live> live;

  explicit Connected(const store::Layout& layout) {
    store::LiveOptions options;
    options.on_health = [this](const auto& problem) {
      if (problem || !sessions) return;
      sessions->resume();
      health.change([&] { ++resumed; });
    };
    live = store::Live::start(layout, options).value();
    sessions = std::make_unique<net::Sessions>(*live);
  }
  ~Connected() {
    live->stop();
    live.reset();
  }

  using Seqs = store::Result<engine::Seq>;
  bool attach(net::ConnectionId id, net::Ticket reason, const std::string& user,
              const std::string& channel = {}) {
    std::promise<bool> told;
    sessions->attach(id, reason, {user, {}, {}, {}}, channel,
                     [&](const Seqs& seq) { told.set_value(seq.has_value()); });
    return told.get_future().get();
  }
  void detach(net::ConnectionId id, net::Ticket reason, const std::string& channel = {}) {
    std::promise<void> told;
    sessions->detach(id, reason, channel, [&](const Seqs&) { told.set_value(); });
    told.get_future().get();
  }
  void gone(net::ConnectionId id, std::vector<net::Sessions::Attended> attended = {}) {
    std::promise<void> told;
    sessions->gone(id, net::LinkEnd::Clean, std::move(attended),
                   [&](const Seqs&) { told.set_value(); });
    told.get_future().get();
  }
  void until_resumed(int times) const {
    health.until([&] { return resumed >= times && live->writable(); });
  }
  struct Held {
    std::size_t links = 0, attending = 0;
    bool operator==(const Held&) const = default;
  };
  /// What the log holds of the user, everything before being durable.
  Held of(const std::string& user) {
    std::promise<Held> told;
    REQUIRE(live->submit([&](Transaction& transaction) {
      Held out;
      if (const auto n = transaction.writer().vault().number_of(user)) {
        for (const engine::Seq id : transaction.state().users[*n].sessions)
          out.links += transaction.state().sessions.at(id).links.size();
        for (const auto& a : transaction.state().users[*n].attendance) out.attending += a.count;
      }
      told.set_value(out);
    }));
    return told.get_future().get();
  }
};

using Held = Connected::Held;

}  // namespace

TEST_CASE("a connection whose commit failed holds nothing once the log is open again",
          "[net][crash]") {
  const test::Scratch scratch;
  Connected c(test::layout_in(scratch.path()));
  REQUIRE(c.attach(16, 1, "ada", "presence-a"));
  REQUIRE(c.attach(32, 1, "ada", "presence-a"));
  CHECK(c.of("ada") == Held{2, 2});
  // In the log all the same, and refused: the connection stays open for others' sake.
  test::fail_syncs(".log", 1);
  CHECK_FALSE(c.attach(48, 1, "ada", "presence-a"));
  c.until_resumed(1);
  CHECK(c.of("ada") == Held{2, 2});
  // One more reason of a connection that stands for the user already: that one goes on.
  test::fail_syncs(".log", 1);
  CHECK_FALSE(c.attach(16, 2, "ada", "presence-b"));
  c.until_resumed(2);
  CHECK(c.of("ada") == Held{2, 2});
  // For a reason that it has already: the failure lets go of what came with it, not of the reason.
  test::fail_syncs(".log", 1);
  CHECK_FALSE(c.attach(16, 1, "ada", "presence-c"));
  c.until_resumed(3);
  CHECK(c.of("ada") == Held{2, 2});
  // Somebody who was never there before.
  test::fail_syncs(".log", 1);
  CHECK_FALSE(c.attach(64, 0, "bob"));
  c.until_resumed(4);
  CHECK(c.of("bob") == Held{0, 0});
  CHECK(test::syncs_left_to_fail() == 0);
  c.gone(16, {{"presence-a", "ada", 1}});
  CHECK(c.of("ada") == Held{1, 1});
}

TEST_CASE("whoever left while nothing could be written has left once the log is open again",
          "[net][crash]") {
  const test::Scratch scratch;
  Connected c(test::layout_in(scratch.path()));
  for (const net::ConnectionId id : {16, 32, 48}) {
    REQUIRE(c.attach(id, 1, "ada", "presence-a"));
    REQUIRE(c.attach(id, 2, "ada", "presence-b"));
  }
  CHECK(c.of("ada") == Held{3, 6});
  // A leave whose own commit fails, and what comes while the log is shut.
  test::fail_syncs(".log", 1);
  c.detach(16, 1, "presence-a");
  c.detach(32, 1, "presence-a");
  c.detach(32, 2, "presence-b");
  c.gone(48, {{"presence-a", "ada", 1}, {"presence-b", "ada", 2}});
  c.until_resumed(1);
  CHECK(c.of("ada") == Held{1, 1});
  CHECK(c.attach(16, 3, "ada", "presence-a"));
  CHECK(c.of("ada") == Held{1, 2});
}
