// Prefixes, characters and the escape of users' names.
#include "net/wire/channel_name.h"

#include <algorithm>

namespace rollcall::net::inline wire {
namespace {

bool plain(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-' || c == '@' || c == ',' || c == '.' || c == ';';
}

std::optional<int> hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return std::nullopt;
}

}  // namespace

std::optional<ChannelKind> channel_kind(std::string_view name) {
  if (name.empty() || name.size() > kChannelNameMax) return std::nullopt;
  ChannelKind kind;
  if (name.front() == '#') {
    if (!name.starts_with(kServerToUser) || name.size() == kServerToUser.size())
      return std::nullopt;
    kind.server_to_user = true;
    name.remove_prefix(1);
  }
  if (!std::all_of(name.begin(), name.end(), [](char c) { return plain(c) || c == '='; }))
    return std::nullopt;
  if (kind.server_to_user) return kind;
  const auto starts = [&](std::string_view prefix) { return name.starts_with(prefix); };
  if (starts("private-encrypted-")) {
    kind.needs_auth = kind.encrypted = true;
    kind.cached = starts("private-encrypted-cache-");
  } else if (starts("private-")) {
    kind.needs_auth = true;
    kind.cached = starts("private-cache-");
    kind.engine = name == kPresenceChannel || starts("private-presence.");
  } else if (starts("presence-")) {
    kind.needs_auth = kind.presence = true;
    kind.cached = starts("presence-cache-");
  } else {
    kind.cached = starts("cache-");
  }
  return kind;
}

std::optional<std::string> presence_channel_of(std::string_view user) {
  std::string out(kPresenceChannel);
  out += '.';
  for (const char c : user) {
    if (plain(c)) {
      out += c;
    } else {
      constexpr std::string_view digits = "0123456789ABCDEF";
      const auto byte = static_cast<unsigned char>(c);
      out += '=';
      out += digits[byte >> 4];
      out += digits[byte & 15];
    }
  }
  if (out.size() > kChannelNameMax) return std::nullopt;
  return out;
}

std::optional<std::string> user_of_presence_channel(std::string_view channel) {
  constexpr std::string_view prefix = "private-presence.";
  if (!channel.starts_with(prefix)) return std::nullopt;
  channel.remove_prefix(prefix.size());
  std::string out;
  for (std::size_t i = 0; i < channel.size(); ++i) {
    if (channel[i] != '=') {
      out += channel[i];
      continue;
    }
    if (i + 2 >= channel.size()) return std::nullopt;
    const auto high = hex_digit(channel[i + 1]), low = hex_digit(channel[i + 2]);
    if (!high || !low) return std::nullopt;
    out += static_cast<char>(*high * 16 + *low);
    i += 2;
  }
  if (out.empty() || presence_channel_of(out)->size() != prefix.size() + channel.size())
    return std::nullopt;
  return out;
}

}  // namespace rollcall::net::inline wire
