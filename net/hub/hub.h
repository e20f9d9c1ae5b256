// The channels of an app: who is in which, over all shards, and what is published there.
//
// Why this file exists: joining a channel, the snapshot of its members and what is published
// afterwards must have one order. It is the order of this object's lock: under it everything goes
// into the shards' inboxes, and each shard delivers in that order.
#pragma once

#include "net/hub/connection.h"
#include "net/hub/settings.h"
#include "net/loop/clock.h"
#include "net/wire/channel_name.h"
#include "net/wire/keyed_hash.h"
#include "store/bytes/mutex.h"

#include <boost/unordered/unordered_flat_map.hpp>

#include <chrono>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace rollcall::net::inline hub {

using Bytes = std::shared_ptr<const std::string>;  ///< framed, shared by all who get it

class Hub;

/// What a shard is told, in order.
struct Delivery {
  enum class What : std::uint8_t {
    Frame,     ///< to every subscriber of `channel` but `connection`
    Attach,    ///< `connection` is in `channel` from here on; `bytes` first
    Refuse,    ///< `connection` is not let into the channel of this name; `bytes` says why
    Control,   ///< `bytes` to `connection`
    Close,     ///< `connection` with `code`; `text` is the reason
    Vanished,  ///< `channel` has no subscriber on this shard any more
  };
  What what = What::Frame;
  std::uint16_t code = 0;
  Ticket ticket = 0;  ///< Attach, Refuse: of the subscription that this answers
  std::uint64_t channel = 0;
  ConnectionId connection = 0;
  Bytes bytes;
  std::string text;    ///< Attach, Refuse: the channel's name
  Hub* hub = nullptr;  ///< Attach: who is told where nobody wants the place any more
};

class DeliverySink {
 public:
  virtual ~DeliverySink() = default;
  virtual void deliver(Delivery delivery) = 0;  ///< from any thread
};

/// What webhooks are told beside the log (docs/webhooks.md).
struct HubEvent {
  std::string name, channel, user_id, event, data, socket_id;
  std::uint64_t count = 0;
};

/// Who is in which channel: connections by their ids, never a count of them. A subscription is a
/// connection, a channel and a ticket; what is said of another ticket than the one that is in
/// changes nothing, so leaving what one is not in, leaving twice and answers that come late are
/// harmless.
class Hub {
 public:
  /// `now_ms`: a clock that never goes back.
  Hub(const AppSettings& settings, std::vector<DeliverySink*> shards,
      std::function<void(HubEvent)> on_event, std::int64_t (*now_ms)() = steady_ms);

  struct Member {
    std::string user_id, info;
  };
  /// Lets the connection in and tells it so: success with the members, then the cached event or
  /// cache_miss, then what is published. `seq`: of the event in the log that says so, or 0.
  /// An error's text where there are too many members.
  std::optional<std::string> subscribe(ConnectionId connection, Ticket ticket,
                                       const std::string& name, const ChannelKind& kind,
                                       const Member* member, std::uint64_t seq);
  void refuse(ConnectionId connection, Ticket ticket, const std::string& name,
              const std::string& message);
  void unsubscribe(ConnectionId connection, Ticket ticket, const std::string& name,
                   std::uint64_t seq);

  /// Of the past: who is shown as a member of a presence channel, though no connection is.
  void show_member(const std::string& name, const ChannelKind& kind, const Member& member,
                   std::uint64_t seq);
  void hide_member(const std::string& name, const std::string& user, std::uint64_t seq);

  /// To every subscriber but `except`. The message is JSON, not framed.
  void publish(const std::string& name, const std::string& message, ConnectionId except = 0);
  /// An event of the HTTP API: remembered where the channel is cached.
  void publish_event(const std::string& name, const ChannelKind& kind, const std::string& event,
                     const std::string& data, ConnectionId except);
  void client_event(const std::string& name, const std::string& event, const std::string& raw_data,
                    const std::string* user_id, ConnectionId from);
  [[nodiscard]] bool occupied(const std::string& name) const;
  /// A message to one connection.
  void tell(ConnectionId connection, const std::string& message);
  void close(ConnectionId connection, std::uint16_t code, const std::string& reason);

  // Signed-in users and who watches whom.
  void signed_in(ConnectionId connection, const std::string& user,
                 const std::vector<std::string>& watchlist);
  void signed_out(ConnectionId connection, const std::string& user,
                  const std::vector<std::string>& watchlist);
  /// The connection is, or is about to be, a member somewhere as this user; once for each channel.
  void speaks_as(ConnectionId connection, const std::string& user);
  void speaks_no_more(ConnectionId connection, const std::string& user);
  /// Closes every connection that is signed in or a member as the user; how many.
  std::size_t terminate(const std::string& user);
  [[nodiscard]] bool watched(const std::string& user) const;
  /// What changed, by user: {name of the entry, user}. Each watcher gets one message.
  struct Change {
    std::string user;
    std::vector<std::string_view> entries;  ///< online, away, offline
  };
  void tell_watchers(const std::vector<Change>& changes);

  // Questions of the HTTP API.
  struct ChannelInfo {
    std::string name;
    std::uint64_t subscriptions = 0, users = 0;
    bool presence = false;
  };
  [[nodiscard]] std::vector<ChannelInfo> channels(std::string_view prefix) const;
  [[nodiscard]] ChannelInfo channel(const std::string& name) const;
  [[nodiscard]] std::vector<Member> members(const std::string& name) const;
  struct Cached {
    std::string data;
    std::int64_t ttl_s = 0;
  };
  [[nodiscard]] std::optional<Cached> cached(const std::string& name) const;
  [[nodiscard]] std::optional<std::string> cached_message(const std::string& name) const;
  /// The success message again, for a subscriber that lost its place: presence channels only.
  [[nodiscard]] std::optional<std::string> snapshot(const std::string& name) const;

  /// Delayed leaves, counts, caches that have run out.
  void tick();
  /// How often tick() is to be called: seldom where the app has only caches that run out.
  [[nodiscard]] std::chrono::milliseconds tick_every() const;

 private:
  template <class Value>
  using Named = std::unordered_map<std::string, Value, KeyedHash, std::equal_to<>>;
  struct Presence {
    std::string info;
    std::uint32_t connections = 0;  ///< of `Channel::as` with this user
    std::int64_t leaves_at_ms = 0;  ///< 0: is here
    std::uint64_t left_seq = 0;
  };
  using Members = std::map<std::string, Presence>;
  struct Channel {
    std::uint64_t id = 0;
    ChannelKind kind;
    boost::unordered_flat_map<ConnectionId, Ticket> who;
    std::vector<std::uint32_t> on_shard;  ///< how many of `who`
    std::unique_ptr<Members> members;
    boost::unordered_flat_map<ConnectionId, Members::iterator> as;  ///< presence channels
    std::int64_t counted_at_ms = -10'000;
    bool count_due = false;
    bool miss_told = false;  ///< webhooks know that nothing is cached
  };
  struct CacheEntry {
    std::string message, data;
    std::int64_t until_ms = 0;
    std::list<std::string>::iterator age;  ///< in cache_ages_
  };

  [[nodiscard]] bool counts_or_delays() const;
  /// The message as it is sent: of a replay it says so.
  [[nodiscard]] std::string marked(std::string message) const;
  [[nodiscard]] Bytes framed(const std::string& message) const;
  Channel& channel_of(const std::string& name, const ChannelKind& kind) RC_REQUIRES(mutex_);
  // Each delivers in the order of the lock.
  void send(const Channel& channel, const Bytes& bytes, ConnectionId except) RC_REQUIRES(mutex_);
  void send(const Channel& channel, const std::string& message, ConnectionId except)
      RC_REQUIRES(mutex_);
  void one(ConnectionId connection, Delivery::What what, std::string message) RC_REQUIRES(mutex_);
  void close_one(ConnectionId connection, std::uint16_t code, const std::string& reason)
      RC_REQUIRES(mutex_);
  void count_changed(const std::string& name, Channel& channel) RC_REQUIRES(mutex_);
  void remove_member(const std::string& name, Channel& channel, Members::iterator member,
                     std::uint64_t seq) RC_REQUIRES(mutex_);
  /// Takes the connection out; the channel stays, be it empty.
  void take_out(const std::string& name, Channel& channel, ConnectionId connection,
                std::uint64_t seq) RC_REQUIRES(mutex_);
  /// After somebody left: tells that the channel is vacated, and forgets it.
  void settle(const std::string& name) RC_REQUIRES(mutex_);
  void vanish_if_empty(const std::string& name) RC_REQUIRES(mutex_);
  std::string members_json(const Channel& channel) const;
  std::string cache_message(const std::string& name, Channel& channel) RC_REQUIRES(mutex_);
  void keep_cached(const std::string& name, std::string message, const std::string& data)
      RC_REQUIRES(mutex_);
  void drop_cached(Named<CacheEntry>::iterator entry) RC_REQUIRES(mutex_);

  const AppSettings& settings_;
  std::vector<DeliverySink*> shards_;
  std::function<void(HubEvent)> on_event_;
  std::int64_t (*now_ms_)();
  mutable store::Mutex mutex_;
  Named<Channel> channels_ RC_GUARDED_BY(mutex_);
  Named<CacheEntry> caches_ RC_GUARDED_BY(mutex_);
  /// Names of caches_, the first to run out first.
  std::list<std::string> cache_ages_ RC_GUARDED_BY(mutex_);
  std::size_t cache_bytes_ RC_GUARDED_BY(mutex_) = 0;
  /// Each connection as often as it signed in or speaks as the user, or watches.
  Named<std::vector<ConnectionId>> users_ RC_GUARDED_BY(mutex_), watchers_ RC_GUARDED_BY(mutex_);
};

}  // namespace rollcall::net::inline hub
