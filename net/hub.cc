// Channels, members, caches, users: all under one lock, which is held for no I/O.
#include "net/hub.h"

#include "net/clock.h"
#include "net/frame.h"
#include "net/message.h"

#include <algorithm>
#include <atomic>

namespace rollcall::net {
namespace {

std::atomic<std::uint64_t> next_channel = 1;  // shards tell the channels of all apps by it

constexpr std::size_t kCachesMax = 100'000;
constexpr std::int64_t kCountEveryMs = 5000;
constexpr std::uint64_t kCountAlwaysUpTo = 100;

Bytes framed(const std::string& message) {
  return std::make_shared<const std::string>(frame(Opcode::Text, message));
}

void erase_one(std::unordered_map<std::string, std::vector<ConnectionId>>& map,
               const std::string& key, ConnectionId connection) {
  const auto it = map.find(key);
  if (it == map.end()) return;
  std::erase(it->second, connection);
  if (it->second.empty()) map.erase(it);
}

}  // namespace

Hub::Hub(const AppSettings& settings, std::vector<Outlet*> shards,
         std::function<void(HubEvent)> on_event)
    : settings_(settings), shards_(std::move(shards)), on_event_(std::move(on_event)) {}

void Hub::send(const Channel& channel, const Bytes& bytes, ConnectionId except) {
  for (std::size_t i = 0; i < shards_.size(); ++i) {
    if (channel.on_shard[i] == 0) continue;
    shards_[i]->deliver({Delivery::What::Frame, 0, channel.id, except, bytes, {}});
  }
}

void Hub::send(const Channel& channel, const std::string& message, ConnectionId except) {
  if (channel.total != 0) send(channel, framed(message), except);
}

void Hub::one(ConnectionId connection, Delivery::What what, std::string message) {
  const unsigned shard = shard_of(connection);
  if (shard >= shards_.size()) return;
  shards_[shard]->deliver({what, 0, 0, connection, framed(message), {}});
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

std::string Hub::cache_message(const std::string& name) {
  const auto it = caches_.find(name);
  if (it != caches_.end() && it->second.until_ms > steady_ms()) return it->second.message;
  if (misses_told_.size() < kCachesMax && misses_told_.emplace(name, true).second)
    on_event_({"cache_miss", name, {}, {}, {}, {}, 0});
  return message::cache_miss(name);
}

std::optional<std::string> Hub::subscribe(ConnectionId connection, const std::string& name,
                                          const ChannelKind& kind, const Member* member,
                                          std::uint64_t seq) {
  const std::lock_guard guard(mutex_);
  auto [it, fresh] = channels_.try_emplace(name);
  Channel& channel = it->second;
  if (fresh) {
    channel.id = next_channel++;
    channel.kind = kind;
    channel.on_shard.assign(shards_.size(), 0);
    if (kind.presence) channel.members = std::make_unique<std::map<std::string, Presence>>();
  }
  bool added = false;
  if (member != nullptr && channel.members) {
    const auto known = channel.members->find(member->user_id);
    if (known == channel.members->end()) {
      if (settings_.members_max != 0 && channel.members->size() >= settings_.members_max) {
        if (fresh) channels_.erase(it);
        return "the channel has as many members as it may have";
      }
      channel.members->emplace(member->user_id, Presence{member->info, 1, 0, 0});
      added = true;
    } else {
      // The first connection's info stands until the last one leaves.
      ++known->second.connections;
      known->second.leaves_at_ms = 0;
    }
  }
  std::string first = frame(
      Opcode::Text,
      message::subscription_succeeded(name, channel.members ? members_json(channel) : "{}", seq));
  if (kind.cached) append_frame(first, Opcode::Text, cache_message(name));
  if (added) {
    send(channel, message::member_added(name, member->user_id, member->info, seq), connection);
    if (seq == 0) on_event_({"member_added", name, member->user_id, {}, {}, {}, 0});
  }
  const unsigned shard = shard_of(connection);
  ++channel.on_shard[shard];
  if (++channel.total == 1) on_event_({"channel_occupied", name, {}, {}, {}, {}, 0});
  shards_[shard]->deliver({Delivery::What::Attach, 0, channel.id, connection,
                           std::make_shared<const std::string>(std::move(first)), name});
  count_changed(name, channel);
  return std::nullopt;
}

void Hub::refuse(ConnectionId connection, const std::string& name, const std::string& message) {
  const std::lock_guard guard(mutex_);
  const unsigned shard = shard_of(connection);
  if (shard < shards_.size())
    shards_[shard]->deliver({Delivery::What::Refuse, 0, 0, connection, framed(message), name});
}

void Hub::unsubscribe(ConnectionId connection, const std::string& name, const std::string* user_id,
                      std::uint64_t seq) {
  const std::lock_guard guard(mutex_);
  const auto it = channels_.find(name);
  if (it == channels_.end()) return;
  Channel& channel = it->second;
  const unsigned shard = shard_of(connection);
  if (shard >= channel.on_shard.size() || channel.on_shard[shard] == 0) return;
  --channel.total;
  if (--channel.on_shard[shard] == 0)
    shards_[shard]->deliver({Delivery::What::Vanished, 0, channel.id, 0, nullptr, {}});
  if (user_id != nullptr && channel.members) {
    const auto member = channel.members->find(*user_id);
    if (member != channel.members->end() && member->second.connections > 0 &&
        --member->second.connections == 0) {
      if (settings_.member_removed_delay_ms == 0) {
        remove_member(name, channel, *user_id, seq);
      } else {
        member->second.leaves_at_ms = steady_ms() + settings_.member_removed_delay_ms;
        member->second.left_seq = seq;
      }
    }
  }
  count_changed(name, channel);
  if (channel.total == 0) on_event_({"channel_vacated", name, {}, {}, {}, {}, 0});
  vanish_if_empty(name);
}

void Hub::remove_member(const std::string& name, Channel& channel, const std::string& user,
                        std::uint64_t seq) {
  channel.members->erase(user);
  send(channel, message::member_removed(name, user, seq), 0);
  if (seq == 0) on_event_({"member_removed", name, user, {}, {}, {}, 0});
}

void Hub::vanish_if_empty(const std::string& name) {
  const auto it = channels_.find(name);
  if (it == channels_.end() || it->second.total != 0) return;
  if (it->second.members && !it->second.members->empty()) return;  // somebody may come back
  channels_.erase(it);
}

void Hub::count_changed(const std::string& name, Channel& channel) {
  if (!settings_.subscription_count || channel.kind.presence) return;
  if (channel.total > kCountAlwaysUpTo && steady_ms() - channel.counted_at_ms < kCountEveryMs) {
    channel.count_due = true;
    return;
  }
  channel.counted_at_ms = steady_ms();
  channel.count_due = false;
  send(channel, message::subscription_count(name, channel.total), 0);
  HubEvent event;
  event.name = "subscription_count";
  event.channel = name;
  event.count = channel.total;
  on_event_(std::move(event));
}

void Hub::publish(const std::string& name, const std::string& message, ConnectionId except) {
  const std::lock_guard guard(mutex_);
  const auto it = channels_.find(name);
  if (it != channels_.end()) send(it->second, message, except);
}

void Hub::publish_event(const std::string& name, const ChannelKind& kind, const std::string& event,
                        const std::string& data, ConnectionId except) {
  const std::string message = message::event(event, name, data);
  const Bytes bytes = framed(message);
  const std::lock_guard guard(mutex_);
  if (kind.cached) {
    if (caches_.size() < kCachesMax || caches_.contains(name))
      caches_[name] = {message, data, steady_ms() + std::int64_t{settings_.cache_ttl_s} * 1000};
    misses_told_.erase(name);
  }
  const auto it = channels_.find(name);
  if (it != channels_.end()) send(it->second, bytes, except);
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
  const std::lock_guard guard(mutex_);
  const auto it = channels_.find(name);
  return it != channels_.end() && it->second.total != 0;
}

void Hub::tell(ConnectionId connection, const std::string& message) {
  const std::lock_guard guard(mutex_);
  one(connection, Delivery::What::Control, message);
}

void Hub::close(ConnectionId connection, std::uint16_t code, const std::string& reason) {
  const std::lock_guard guard(mutex_);
  const unsigned shard = shard_of(connection);
  if (shard < shards_.size())
    shards_[shard]->deliver({Delivery::What::Close, code, 0, connection, nullptr, reason});
}

void Hub::signed_in(ConnectionId connection, const std::string& user,
                    const std::vector<std::string>& watchlist) {
  const std::lock_guard guard(mutex_);
  users_[user].push_back(connection);
  for (const auto& watched : watchlist) watchers_[watched].push_back(connection);
}

void Hub::signed_out(ConnectionId connection, const std::string& user,
                     const std::vector<std::string>& watchlist) {
  const std::lock_guard guard(mutex_);
  erase_one(users_, user, connection);
  for (const auto& watched : watchlist) erase_one(watchers_, watched, connection);
}

std::size_t Hub::terminate(const std::string& user) {
  const std::lock_guard guard(mutex_);
  const auto it = users_.find(user);
  if (it == users_.end()) return 0;
  for (const ConnectionId connection : it->second) {
    shards_[shard_of(connection)]->deliver(
        {Delivery::What::Close, 4009, 0, connection, nullptr, "You got disconnected by the app."});
  }
  return it->second.size();
}

bool Hub::watched(const std::string& user) const {
  const std::lock_guard guard(mutex_);
  return watchers_.contains(user);
}

void Hub::tell_watchers(const std::vector<Change>& changes) {
  const std::lock_guard guard(mutex_);
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

std::vector<Hub::ChannelInfo> Hub::channels(std::string_view prefix) const {
  std::vector<ChannelInfo> out;
  const std::lock_guard guard(mutex_);
  for (const auto& [name, channel] : channels_) {
    if (channel.total == 0 || !std::string_view(name).starts_with(prefix)) continue;
    out.push_back({name, channel.total, channel.members ? channel.members->size() : 0,
                   channel.kind.presence});
  }
  std::sort(out.begin(), out.end(),
            [](const ChannelInfo& a, const ChannelInfo& b) { return a.name < b.name; });
  return out;
}

Hub::ChannelInfo Hub::channel(const std::string& name) const {
  const std::lock_guard guard(mutex_);
  const auto it = channels_.find(name);
  if (it == channels_.end()) return {name, 0, 0, false};
  const Channel& channel = it->second;
  return {name, channel.total, channel.members ? channel.members->size() : 0,
          channel.kind.presence};
}

std::vector<Hub::Member> Hub::members(const std::string& name) const {
  std::vector<Member> out;
  const std::lock_guard guard(mutex_);
  const auto it = channels_.find(name);
  if (it == channels_.end() || !it->second.members) return out;
  for (const auto& [user, presence] : *it->second.members) out.push_back({user, presence.info});
  return out;
}

std::optional<Hub::Cached> Hub::cached(const std::string& name) const {
  const std::lock_guard guard(mutex_);
  const auto it = caches_.find(name);
  if (it == caches_.end() || it->second.until_ms <= steady_ms()) return std::nullopt;
  return Cached{it->second.data, (it->second.until_ms - steady_ms() + 999) / 1000};
}

std::optional<std::string> Hub::cached_message(const std::string& name) const {
  const std::lock_guard guard(mutex_);
  const auto it = caches_.find(name);
  if (it == caches_.end() || it->second.until_ms <= steady_ms()) return std::nullopt;
  return it->second.message;
}

std::optional<std::string> Hub::snapshot(const std::string& name) const {
  const std::lock_guard guard(mutex_);
  const auto it = channels_.find(name);
  if (it == channels_.end() || !it->second.members) return std::nullopt;
  return message::subscription_succeeded(name, members_json(it->second));
}

bool Hub::counts_or_delays() const {
  return settings_.subscription_count || settings_.member_removed_delay_ms != 0;
}

std::chrono::milliseconds Hub::tick_every() const {
  return std::chrono::milliseconds(counts_or_delays() ? 250 : 1000);
}

void Hub::tick() {
  const std::lock_guard guard(mutex_);
  const std::int64_t now = steady_ms();
  std::erase_if(caches_, [&](const auto& entry) { return entry.second.until_ms <= now; });
  if (!counts_or_delays()) return;
  std::vector<std::string> empty;
  for (auto& [name, channel] : channels_) {
    if (channel.count_due) count_changed(name, channel);
    if (settings_.member_removed_delay_ms == 0 || !channel.members) continue;
    std::vector<std::pair<std::string, std::uint64_t>> gone;
    for (const auto& [user, presence] : *channel.members)
      if (presence.leaves_at_ms != 0 && presence.leaves_at_ms <= now)
        gone.emplace_back(user, presence.left_seq);
    for (const auto& [user, seq] : gone) remove_member(name, channel, user, seq);
    if (channel.total == 0 && channel.members->empty()) empty.push_back(name);
  }
  for (const auto& name : empty) vanish_if_empty(name);
}

}  // namespace rollcall::net
