// Channel names: which kind a name is, and which names there can be.
//
// Why this file exists: the kind decides about authentication, caching, members and client events;
// prefixes are matched whole, dash included, the longest first (Pusher Channels protocol 7).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace rollcall::net::inline wire {

struct ChannelKind {
  bool needs_auth = false;  ///< private, encrypted or presence
  bool presence = false;
  bool encrypted = false;  ///< the server only carries it; no client events
  bool cached = false;
  bool server_to_user = false;  ///< #server-to-user-<id>
  /// The engine's own: private-presence, private-presence.<user>. Nobody else publishes there.
  bool engine = false;
  [[nodiscard]] bool client_events() const {
    return needs_auth && !encrypted && !server_to_user && !engine;
  }
};

inline constexpr std::size_t kChannelNameMax = 200;
inline constexpr std::size_t kEventNameMax = 200;
inline constexpr std::string_view kServerToUser = "#server-to-user-";
inline constexpr std::string_view kPresenceChannel = "private-presence";

/// Nothing where the name cannot be a channel's: characters, length, a # that is not allowed.
[[nodiscard]] std::optional<ChannelKind> channel_kind(std::string_view name);

/// The channel that tells one user's presence; nothing where the name gets too long. Bytes outside
/// [A-Za-z0-9_@,.;-] are written =XX.
[[nodiscard]] std::optional<std::string> presence_channel_of(std::string_view user);
/// The user whose presence the channel tells; nothing where it is no such channel.
[[nodiscard]] std::optional<std::string> user_of_presence_channel(std::string_view channel);

}  // namespace rollcall::net::inline wire
