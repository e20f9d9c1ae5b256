// Channels, members, caches, users: all under one lock, which is held for no I/O.
#include "net/hub/hub.h"

#include "net/wire/frame.h"
#include "net/wire/pusher_message.h"

#include <algorithm>
#include <atomic>
#include <set>
#include <utility>

namespace rollcall::net::inline hub {
namespace {

std::atomic<std::uint64_t> next_channel = 1;  // shards tell the channels of all apps by it

constexpr std::size_t kCachesMax = 100'000;
constexpr std::size_t kCacheBytesMax = 256U << 20;
constexpr std::int64_t kCountEveryMs = 5000;
constexpr std::uint64_t kCountAlwaysUpTo = 100;

/// Tickets of a shard are numbers that count up and wrap around (RFC 1982's comparison).
bool newer(Ticket a, Ticket b) { return static_cast<std::int32_t>(a - b) > 0; }

/// One of the entries of `connection` under the key.
template <class Map>
void erase_one(Map& map, const std::string& key, ConnectionId connection) {
  const auto it = map.find(key);
  if (it == map.end()) return;
  auto& list = it->second;
  if (const auto at = std::find(list.begin(), list.end(), connection); at != list.end()) {
    *at = list.back();
    list.pop_back();
  }
  if (list.empty()) map.erase(it);
}

}  // namespace

Hub::Hub(const AppSettings& settings, std::vector<DeliverySink*> shards,
         std::function<void(HubEvent)> on_event, std::int64_t (*now_ms)())
    : settings_(settings),
      shards_(std::move(shards)),
      on_event_(std::move(on_event)),
      now_ms_(now_ms) {}

std::string Hub::marked(std::string message) const {
  if (settings_.replay && message.ends_with('}'))
    message.replace(message.size() - 1, 1, R"(,"replay":true})");
  return message;
}

Bytes Hub::framed(const std::string& message) const {
  return std::make_shared<const std::string>(
      frame(Opcode::Text, settings_.replay ? marked(message) : message));
}

void Hub::send(const Channel& channel, const Bytes& bytes, ConnectionId except) {
  for (std::size_t i = 0; i < shards_.size(); ++i) {
    if (channel.on_shard[i] == 0) continue;
    Delivery frame;
    frame.channel = channel.id;
    frame.connection = except;
    frame.bytes = bytes;
    shards_[i]->deliver(std::move(frame));
  }
}

void Hub::send(const Channel& channel, const std::string& message, ConnectionId except) {
  if (!channel.who.empty()) send(channel, framed(message), except);
}

void Hub::one(ConnectionId connection, Delivery::What what, std::string message) {
  const unsigned shard = shard_of(connection);
  if (shard >= shards_.size()) return;
  Delivery one;
  one.what = what;
  one.connection = connection;
  one.bytes = framed(message);
  shards_[shard]->deliver(std::move(one));
}

std::string Hub::members_json(const Channel& channel) const {
  std::string ids, hash;
  std::size_t count = 0;
  for (const auto& [user, presence] : *channel.members) {
    const std::string quoted = json_string(user);
    if (count++ != 0) {
      ids += ',';
      hash += ',';
    }
    ids += quoted;
    hash.append(quoted).append(":").append(presence.info);
  }
  return "{\"presence\":{\"ids\":[" + ids + "],\"hash\":{" + hash +
         "},\"count\":" + std::to_string(count) + "}}";
}

std::string Hub::cache_message(const std::string& name, Channel& channel) {
  const auto it = caches_.find(name);
  if (it != caches_.end() && it->second.until_ms > now_ms_()) return it->second.message;
  // Told once while anybody is there, so what is remembered is no more than there are channels.
  if (!std::exchange(channel.miss_told, true)) on_event_({"cache_miss", name, {}, {}, {}, {}, 0});
  return message::cache_miss(name);
}

void Hub::drop_cached(Named<CacheEntry>::iterator entry) {
  const CacheEntry& cached = entry->second;
  cache_bytes_ -= entry->first.size() + cached.message.size() + cached.data.size();
  cache_ages_.erase(cached.age);
  caches_.erase(entry);
}

void Hub::keep_cached(const std::string& name, std::string message, const std::string& data) {
  if (const auto it = caches_.find(name); it != caches_.end()) drop_cached(it);
  cache_bytes_ += name.size() + message.size() + data.size();
  cache_ages_.push_back(name);
  caches_[name] = {std::move(message), data, now_ms_() + std::int64_t{settings_.cache_ttl_s} * 1000,
                   std::prev(cache_ages_.end())};
  // Beyond what may be kept, those go that would run out first.
  while (caches_.size() > kCachesMax || cache_bytes_ > kCacheBytesMax)
    drop_cached(caches_.find(cache_ages_.front()));
}

Hub::Channel& Hub::channel_of(const std::string& name, const ChannelKind& kind) {
  auto [it, fresh] = channels_.try_emplace(name);
  Channel& channel = it->second;
  if (fresh) {
    channel.id = next_channel++;
    channel.kind = kind;
    channel.on_shard.assign(shards_.size(), 0);
    if (kind.presence) channel.members = std::make_unique<Members>();
  }
  return channel;
}

void Hub::show_member(const std::string& name, const ChannelKind& kind, const Member& member,
                      std::uint64_t seq) {
  const store::Lock guard(mutex_);
  Channel& channel = channel_of(name, kind);
  if (!channel.members) return;
  const auto [at, fresh] = channel.members->emplace(member.user_id, Presence{member.info, 1, 0, 0});
  if (fresh) send(channel, message::member_added(name, member.user_id, member.info, seq), 0);
}

void Hub::hide_member(const std::string& name, const std::string& user, std::uint64_t seq) {
  const store::Lock guard(mutex_);
  const auto it = channels_.find(name);
  if (it == channels_.end() || !it->second.members) return;
  if (const auto at = it->second.members->find(user); at != it->second.members->end())
    remove_member(name, it->second, at, seq);
  vanish_if_empty(name);
}

std::optional<std::string> Hub::subscribe(ConnectionId connection, Ticket ticket,
                                          const std::string& name, const ChannelKind& kind,
                                          const Member* member, std::uint64_t seq) {
  const unsigned shard = shard_of(connection);
  const store::Lock guard(mutex_);
  if (shard >= shards_.size()) return "there is no such connection";
  Channel& channel = channel_of(name, kind);
  const bool occupied = !channel.who.empty();
  // The log may answer a newer subscription first: then this one is over, and its shard knows.
  if (const auto in = channel.who.find(connection);
      in != channel.who.end() && newer(in->second, ticket))
    return std::nullopt;
  // An earlier subscription that its leaving has not reached yet ends here.
  take_out(name, channel, connection, seq);
  bool added = false;
  if (member != nullptr && channel.members) {
    auto known = channel.members->find(member->user_id);
    if (known == channel.members->end()) {
      if (settings_.members_max != 0 && channel.members->size() >= settings_.members_max) {
        if (occupied)
          settle(name);
        else
          vanish_if_empty(name);
        return "the channel has as many members as it may have";
      }
      known = channel.members->emplace(member->user_id, Presence{member->info, 0, 0, 0}).first;
      added = true;
    }
    // The first connection's info stands until the last one leaves.
    ++known->second.connections;
    known->second.leaves_at_ms = 0;
    channel.as[connection] = known;
  }
  std::string first =
      frame(Opcode::Text, marked(message::subscription_succeeded(
                              name, channel.members ? members_json(channel) : "{}", seq)));
  if (kind.cached) append_frame(first, Opcode::Text, marked(cache_message(name, channel)));
  if (added) {
    send(channel, message::member_added(name, member->user_id, member->info, seq), connection);
    if (seq == 0) on_event_({"member_added", name, member->user_id, {}, {}, {}, 0});
  }
  channel.who[connection] = ticket;
  ++channel.on_shard[shard];
  if (!occupied) on_event_({"channel_occupied", name, {}, {}, {}, {}, 0});
  Delivery attach;
  attach.what = Delivery::What::Attach;
  attach.ticket = ticket;
  attach.channel = channel.id;
  attach.connection = connection;
  attach.bytes = std::make_shared<const std::string>(std::move(first));
  attach.text = name;
  attach.hub = this;
  shards_[shard]->deliver(std::move(attach));
  count_changed(name, channel);
  return std::nullopt;
}

void Hub::refuse(ConnectionId connection, Ticket ticket, const std::string& name,
                 const std::string& message) {
  const store::Lock guard(mutex_);
  const unsigned shard = shard_of(connection);
  if (shard >= shards_.size()) return;
  Delivery refusal;
  refusal.what = Delivery::What::Refuse;
  refusal.ticket = ticket;
  refusal.connection = connection;
  refusal.bytes = framed(message);
  refusal.text = name;
  shards_[shard]->deliver(std::move(refusal));
}

void Hub::unsubscribe(ConnectionId connection, Ticket ticket, const std::string& name,
                      std::uint64_t seq) {
  const store::Lock guard(mutex_);
  const auto it = channels_.find(name);
  if (it == channels_.end()) return;
  Channel& channel = it->second;
  const auto in = channel.who.find(connection);
  if (in == channel.who.end() || in->second != ticket) return;
  take_out(name, channel, connection, seq);
  count_changed(name, channel);
  settle(name);
}

void Hub::take_out(const std::string& name, Channel& channel, ConnectionId connection,
                   std::uint64_t seq) {
  if (channel.who.erase(connection) == 0) return;
  const unsigned shard = shard_of(connection);
  if (--channel.on_shard[shard] == 0) {
    Delivery vanished;
    vanished.what = Delivery::What::Vanished;
    vanished.channel = channel.id;
    shards_[shard]->deliver(std::move(vanished));
  }
  const auto as = channel.as.find(connection);
  if (as == channel.as.end()) return;
  const Members::iterator member = as->second;
  channel.as.erase(as);
  if (--member->second.connections != 0) return;
  if (settings_.member_removed_delay_ms == 0) {
    remove_member(name, channel, member, seq);
  } else {
    member->second.leaves_at_ms = now_ms_() + settings_.member_removed_delay_ms;
    member->second.left_seq = seq;
  }
}

void Hub::remove_member(const std::string& name, Channel& channel, Members::iterator member,
                        std::uint64_t seq) {
  const std::string user = member->first;
  channel.members->erase(member);
  send(channel, message::member_removed(name, user, seq), 0);
  if (seq == 0) on_event_({"member_removed", name, user, {}, {}, {}, 0});
}

void Hub::settle(const std::string& name) {
  const auto it = channels_.find(name);
  if (it == channels_.end() || !it->second.who.empty()) return;
  it->second.miss_told = false;
  on_event_({"channel_vacated", name, {}, {}, {}, {}, 0});
  vanish_if_empty(name);
}

void Hub::vanish_if_empty(const std::string& name) {
  const auto it = channels_.find(name);
  if (it == channels_.end() || !it->second.who.empty()) return;
  if (it->second.members && !it->second.members->empty()) return;  // somebody may come back
  channels_.erase(it);
}

void Hub::count_changed(const std::string& name, Channel& channel) {
  if (!settings_.subscription_count || channel.kind.presence) return;
  const std::uint64_t total = channel.who.size();
  if (total > kCountAlwaysUpTo && now_ms_() - channel.counted_at_ms < kCountEveryMs) {
    channel.count_due = true;
    return;
  }
  channel.counted_at_ms = now_ms_();
  channel.count_due = false;
  send(channel, message::subscription_count(name, total), 0);
  HubEvent event;
  event.name = "subscription_count";
  event.channel = name;
  event.count = total;
  on_event_(std::move(event));
}

void Hub::publish(const std::string& name, const std::string& message, ConnectionId except) {
  const store::Lock guard(mutex_);
  const auto it = channels_.find(name);
  if (it != channels_.end()) send(it->second, message, except);
}

void Hub::publish_event(const std::string& name, const ChannelKind& kind, const std::string& event,
                        const std::string& data, ConnectionId except) {
  const std::string message = message::event(event, name, data);
  const Bytes bytes = framed(message);
  const store::Lock guard(mutex_);
  if (kind.cached) keep_cached(name, message, data);
  const auto it = channels_.find(name);
  if (it == channels_.end()) return;
  it->second.miss_told = false;
  send(it->second, bytes, except);
}

void Hub::client_event(const std::string& name, const std::string& event,
                       const std::string& raw_data, const std::string* user_id, ConnectionId from) {
  publish(name,
          message::client_event(
              event, name, raw_data,
              user_id != nullptr ? std::optional<std::string_view>(*user_id) : std::nullopt),
          from);
  on_event_({"client_event", name, user_id != nullptr ? *user_id : std::string(), event, raw_data,
             socket_id_text(from), 0});
}

bool Hub::occupied(const std::string& name) const {
  const store::Lock guard(mutex_);
  const auto it = channels_.find(name);
  return it != channels_.end() && !it->second.who.empty();
}

void Hub::tell(ConnectionId connection, const std::string& message) {
  const store::Lock guard(mutex_);
  one(connection, Delivery::What::Control, message);
}

void Hub::close(ConnectionId connection, std::uint16_t code, const std::string& reason) {
  const store::Lock guard(mutex_);
  close_one(connection, code, reason);
}

void Hub::close_one(ConnectionId connection, std::uint16_t code, const std::string& reason) {
  const unsigned shard = shard_of(connection);
  if (shard >= shards_.size()) return;
  Delivery close;
  close.what = Delivery::What::Close;
  close.code = code;
  close.connection = connection;
  close.text = reason;
  shards_[shard]->deliver(std::move(close));
}

void Hub::signed_in(ConnectionId connection, const std::string& user,
                    const std::vector<std::string>& watchlist) {
  const store::Lock guard(mutex_);
  users_[user].push_back(connection);
  for (const auto& watched : watchlist) watchers_[watched].push_back(connection);
}

void Hub::signed_out(ConnectionId connection, const std::string& user,
                     const std::vector<std::string>& watchlist) {
  const store::Lock guard(mutex_);
  erase_one(users_, user, connection);
  for (const auto& watched : watchlist) erase_one(watchers_, watched, connection);
}

void Hub::speaks_as(ConnectionId connection, const std::string& user) {
  const store::Lock guard(mutex_);
  users_[user].push_back(connection);
}

void Hub::speaks_no_more(ConnectionId connection, const std::string& user) {
  const store::Lock guard(mutex_);
  erase_one(users_, user, connection);
}

std::size_t Hub::terminate(const std::string& user) {
  const store::Lock guard(mutex_);
  const auto it = users_.find(user);
  if (it == users_.end()) return 0;
  const std::set<ConnectionId> all(it->second.begin(), it->second.end());
  for (const ConnectionId connection : all)
    close_one(connection, 4009, "You got disconnected by the app.");
  return all.size();
}

bool Hub::watched(const std::string& user) const {
  const store::Lock guard(mutex_);
  return watchers_.contains(user);
}

void Hub::tell_watchers(const std::vector<Change>& changes) {
  const store::Lock guard(mutex_);
  std::map<ConnectionId, std::map<std::string_view, std::vector<std::string>>> told;
  for (const Change& change : changes) {
    const auto it = watchers_.find(change.user);
    if (it == watchers_.end()) continue;
    for (const ConnectionId connection : it->second)
      for (const std::string_view entry : change.entries)
        told[connection][entry].push_back(change.user);
  }
  for (auto& [connection, entries] : told) {
    std::vector<message::WatchEntry> list;
    for (const std::string_view name : {"online", "away", "offline"}) {
      const auto it = entries.find(name);
      if (it != entries.end()) list.push_back({name, std::move(it->second)});
    }
    one(connection, Delivery::What::Control, message::watchlist_events(list));
  }
}

bool Hub::counts_or_delays() const {
  return settings_.subscription_count || settings_.member_removed_delay_ms != 0;
}

std::chrono::milliseconds Hub::tick_every() const {
  return std::chrono::milliseconds(counts_or_delays() ? 250 : 1000);
}

void Hub::tick() {
  const store::Lock guard(mutex_);
  const std::int64_t now = now_ms_();
  while (!cache_ages_.empty()) {
    const auto oldest = caches_.find(cache_ages_.front());
    if (oldest->second.until_ms > now) break;
    drop_cached(oldest);
  }
  if (!counts_or_delays()) return;
  std::vector<std::string> empty;
  for (auto& [name, channel] : channels_) {
    if (channel.count_due) count_changed(name, channel);
    if (settings_.member_removed_delay_ms == 0 || !channel.members) continue;
    for (auto member = channel.members->begin(); member != channel.members->end();) {
      const auto one = member++;
      if (one->second.leaves_at_ms != 0 && one->second.leaves_at_ms <= now)
        remove_member(name, channel, one, one->second.left_seq);
    }
    if (channel.who.empty() && channel.members->empty()) empty.push_back(name);
  }
  for (const auto& name : empty) vanish_if_empty(name);
}

}  // namespace rollcall::net::inline hub
