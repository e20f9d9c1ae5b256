// A shard: one thread's established connections, on a loop that it shares with Asio.
//
// Why this file exists: what is ready is read with one shared buffer and written from the channels'
// rings, so an idle connection costs a few hundred bytes (README has the figures). Asio and Beast
// do everything rare.
#pragma once

#include "net/hub/hub.h"
#include "net/loop/loop.h"
#include "net/wire/frame.h"
#include "store/bytes/mutex.h"

#include <array>
#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <unordered_map>

namespace rollcall::net::inline hub {

/// A channel as one shard has it.
struct LocalChannel {
  LocalChannel(std::uint64_t number, std::string text, std::size_t ring_bytes)
      : id(number), name(std::move(text)), ring(ring_bytes) {}
  std::uint64_t id;
  std::string name;
  Ring ring;
  struct Subscriber {
    Connection* connection;
    Ring::Offset cursor;
  };
  std::vector<Subscriber> subscribers;
  bool dirty = false;  ///< has bytes that somebody lacks
};

[[nodiscard]] inline const std::string& name_of(const Subscription& subscription) {
  return subscription.channel != nullptr ? subscription.channel->name : *subscription.wanted;
}

/// What is done with connections and their messages; calls come on the shard's thread.
class Protocol {
 public:
  virtual ~Protocol() = default;
  /// The first message, framed.
  virtual std::string opened(Connection& connection) = 0;
  virtual void message(Connection& connection, std::string_view text) = 0;
  /// Why it ended: clean (a close frame came), abort (the socket broke), timeout, drain.
  enum class End : std::uint8_t { Clean, Abort, Timeout, Drain };
  virtual void closed(Connection& connection, End end) = 0;
  /// Was not let into the channel after all; the subscription of that ticket is gone.
  virtual void refused(Connection& connection, const std::string& channel, Ticket ticket) = 0;
  /// Missed what fell off the ring of this channel.
  virtual void fell_behind(Connection& connection, const std::string& channel) = 0;
};

class Shard final : public DeliverySink {
 public:
  /// `now_ms`: a clock that never goes back.
  Shard(unsigned index, const Settings& settings, std::int64_t (*now_ms)() = steady_ms);
  ~Shard() override;
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;

  [[nodiscard]] Loop& loop() { return loop_; }
  [[nodiscard]] const Settings& settings() const { return settings_; }
  void set_protocol(Protocol& protocol) { protocol_ = &protocol; }
  /// Until stop(). On the thread that is to be this shard's.
  void run();
  void stop();

  /// From any thread; in the order of the caller's lock.
  void deliver(Delivery delivery) override;

  // On this shard's thread:

  /// Takes over a socket. `answer`: to its upgrade request, sent together with the first message;
  /// `early`: what came behind the request.
  void adopt(int fd, Tenant& tenant, std::string answer, std::string_view early, std::string from);
  /// Written at once, or owed. No more is owed than the outbox may hold, and one frame that is
  /// larger than that by itself; with more the connection is closed with 4100, which arrives.
  void send(Connection& connection, std::string_view framed);
  void send_message(Connection& connection, std::string_view json);
  /// Sends a close frame and waits for the other side, briefly.
  void close(Connection& connection, std::uint16_t code, std::string_view reason,
             Protocol::End end);
  /// The same, after an error event that says the same.
  void close_saying(Connection& connection, std::uint16_t code, std::string_view reason,
                    Protocol::End end);
  [[nodiscard]] Connection* find(ConnectionId id);
  [[nodiscard]] std::uint32_t now_s() const { return now_s_; }
  [[nodiscard]] std::size_t connections() const { return list_.size(); }

  /// The subscription of that very name, if any.
  [[nodiscard]] static Subscription* subscription(Connection& connection, std::string_view name);
  /// A new one, which waits for its place.
  Ticket await_place(Connection& connection, const std::string& name);
  /// Local part of leaving; the hub is told by the caller.
  void detach(Connection& connection, std::string_view name);

  /// From any thread: how many connections all in all (for limits and /connections).
  [[nodiscard]] std::size_t connection_count() const { return count_.load(); }
  /// Closes everybody with 4200, spread over `window`; `done` when nobody is left.
  void drain(std::chrono::milliseconds window, std::function<void()> done);
  /// The look at who is still alive: run() takes it each second, who moves the clock when he likes.
  void tick();

 private:
  struct Inner;
  void ready(std::span<const epoll_event> events);
  void turn_over();
  void readable(Connection& connection);
  void frames(Connection& connection, std::span<std::uint8_t> bytes);
  bool handle(Connection& connection, const Frame& frame);
  void writable(Connection& connection);
  void drain_inbox();
  void handle_delivery(Delivery& delivery);
  void attach(Delivery& delivery);
  /// What the socket does not take of a frame, or all of it, is kept to be written later.
  void owe(Connection& connection, std::string_view framed);
  void sweep();
  /// Whether to wait a moment for more frames before sweeping: see Gathering.
  bool gather();
  /// What the subscriber lacks and may be sent in one write; empty where that is nothing.
  std::string_view lacks(LocalChannel& channel, LocalChannel::Subscriber& subscriber);
  /// Of those bytes the socket took `n`, or `n` is a negative errno; false where it takes no more.
  bool took(LocalChannel& channel, LocalChannel::Subscriber& subscriber, std::size_t wanted,
            ssize_t n);
  /// Sends what the subscriber lacks; false where the socket is full.
  bool catch_up(LocalChannel& channel, LocalChannel::Subscriber& subscriber);
  /// To everybody who lacks something, many in one call. The offset up to which nobody lacks
  /// anything any more.
  Ring::Offset catch_up_all(LocalChannel& channel);
  void watch(Connection& connection, bool for_writing);
  void mark_closed(Connection& connection, Protocol::End end);
  void reap();
  void scan();
  /// The half of a socket id that nobody can guess.
  std::uint32_t unguessable();
  void drain_slice();

  unsigned index_;
  const Settings& settings_;
  std::int64_t (*now_ms_)();
  Loop loop_;
  std::unique_ptr<Inner> inner_;
  Protocol* protocol_ = nullptr;
  std::uint32_t now_s_ = 1;
  std::uint32_t next_number_ = 0;
  Ticket last_ticket_ = 0;
  std::array<std::uint8_t, 512> random_{};  ///< drawn ahead; multiples of 4 are left
  std::size_t random_left_ = 0;
  std::unordered_map<ConnectionId, std::unique_ptr<Connection>> by_id_;
  std::vector<Connection*> list_;
  /// Beside list_: the second before which scan() need not look at the connection. Thousands of
  /// idle ones cost a glance at this instead of a cache line each.
  std::vector<std::uint32_t> look_;
  std::atomic<std::size_t> count_ = 0;
  /// What is to be destroyed at the end of this turn, and what waits for the other side's close.
  std::vector<std::pair<Connection*, Protocol::End>> closed_;
  std::unordered_map<std::uint64_t, std::unique_ptr<LocalChannel>> channels_;
  std::vector<LocalChannel*> dirty_;
  std::vector<std::uint8_t> buffer_;

  // A write costs nearly the same whatever it carries, so under load frames that come a moment
  // later are worth waiting for. A lone frame never waits.
  struct Gathering {
    std::size_t frames = 0;  ///< since the last sweep
    std::size_t bytes = 0;   ///< of those frames
    std::chrono::steady_clock::time_point first{};
    std::chrono::steady_clock::duration last_sweep{};
    bool armed = false;
  } gathering_;

  store::Mutex inbox_mutex_;
  std::vector<Delivery> inbox_ RC_GUARDED_BY(inbox_mutex_);
  std::vector<Delivery> taken_;
};

}  // namespace rollcall::net::inline hub
