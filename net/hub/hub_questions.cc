// What is asked of the hub and changes nothing: channels, members, what is cached.
#include "net/hub/hub.h"
#include "net/wire/pusher_message.h"

#include <algorithm>

namespace rollcall::net::inline hub {

std::vector<Hub::ChannelInfo> Hub::channels(std::string_view prefix) const {
  std::vector<ChannelInfo> out;
  const store::Lock guard(mutex_);
  for (const auto& [name, channel] : channels_) {
    if (channel.who.empty() || !std::string_view(name).starts_with(prefix)) continue;
    out.push_back({name, channel.who.size(), channel.members ? channel.members->size() : 0,
                   channel.kind.presence});
  }
  std::sort(out.begin(), out.end(),
            [](const ChannelInfo& a, const ChannelInfo& b) { return a.name < b.name; });
  return out;
}

Hub::ChannelInfo Hub::channel(const std::string& name) const {
  const store::Lock guard(mutex_);
  const auto it = channels_.find(name);
  if (it == channels_.end()) return {name, 0, 0, false};
  const Channel& channel = it->second;
  return {name, channel.who.size(), channel.members ? channel.members->size() : 0,
          channel.kind.presence};
}

std::vector<Hub::Member> Hub::members(const std::string& name) const {
  std::vector<Member> out;
  const store::Lock guard(mutex_);
  const auto it = channels_.find(name);
  if (it == channels_.end() || !it->second.members) return out;
  for (const auto& [user, presence] : *it->second.members) out.push_back({user, presence.info});
  return out;
}

std::optional<Hub::Cached> Hub::cached(const std::string& name) const {
  const store::Lock guard(mutex_);
  const auto it = caches_.find(name);
  if (it == caches_.end() || it->second.until_ms <= now_ms_()) return std::nullopt;
  return Cached{it->second.data, (it->second.until_ms - now_ms_() + 999) / 1000};
}

std::optional<std::string> Hub::cached_message(const std::string& name) const {
  const store::Lock guard(mutex_);
  const auto it = caches_.find(name);
  if (it == caches_.end() || it->second.until_ms <= now_ms_()) return std::nullopt;
  return it->second.message;
}

std::optional<std::string> Hub::snapshot(const std::string& name) const {
  const store::Lock guard(mutex_);
  const auto it = channels_.find(name);
  if (it == channels_.end() || !it->second.members) return std::nullopt;
  return message::subscription_succeeded(name, members_json(it->second));
}

}  // namespace rollcall::net::inline hub
