// What a server is told by its configuration: addresses, limits, apps. Plain values with defaults.
#pragma once

#include "engine/state.h"
#include "net/access/caller_limits.h"
#include "net/wire/asset.h"
#include "net/wire/jwt.h"
#include "net/wire/networks.h"
#include "store/log/layout.h"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace rollcall::net::inline hub {

enum class ClientEvents { None, Members, All };  ///< Members: of presence and private channels

struct WebhookSettings {
  std::string url;
  std::vector<std::string> events;  ///< channel_occupied, member_added …; empty: all
  bool batch = false;               ///< several events in one request
};

/// Who may subscribe to which channels by way of /broadcasting/auth.
struct ChannelRule {
  std::string pattern;             ///< a name, or a prefix ending in *; {user} is one's own id
  std::vector<std::string> users;  ///< empty: everybody who is known
};

struct AppSettings {
  std::string id, key, secret;
  ClientEvents client_events = ClientEvents::Members;
  bool watchlist = true;
  bool subscription_count = false;
  bool enabled = true;
  bool tls_only = false;
  std::vector<std::string> allowed_origins;  ///< host patterns with *; empty: the server's rule
  /// Below a minute: a client that is silent for so long speaks, and is answered, before nginx's
  /// proxy_read_timeout (60 s by default) takes the connection for dead.
  std::uint32_t activity_timeout_s = 50;
  std::uint32_t pong_timeout_s = 30;
  std::uint64_t connections_max = 0;  ///< 0: as many as the process may have
  std::uint32_t channels_max = 1000;  ///< a connection
  std::uint32_t members_max = 0;      ///< a presence channel; 0: no limit
  std::uint32_t user_info_max = 2048;
  std::uint32_t user_id_max = 128;
  std::uint32_t event_max = 10'240;    ///< bytes of an event's data
  std::uint32_t message_max = 65'536;  ///< bytes of a client's message
  std::uint32_t client_events_per_s = 10;
  std::uint32_t watchlist_max = 100;
  std::uint32_t cache_ttl_s = 1800;
  std::uint32_t sign_in_within_s = 0;                ///< authorized connections: 0 off
  std::uint32_t member_removed_delay_ms = 0;         ///< so that a refreshed page is no leave
  std::vector<std::string> attendance{"presence-"};  ///< prefixes whose membership is logged
  std::uint32_t sign_every_s = 60;                   ///< a checkpoint over what was appended since
  std::uint64_t snapshot_every = store::kSnapshotEvery;  ///< events; 0: never by itself
  std::vector<std::string> rooms{"lobby"};  ///< of the chat; everybody who is signed in may enter
  std::string last_seen = "exact";          ///< granularity for others: exact, minutes, day, hidden
  engine::Policy policy;
  std::vector<WebhookSettings> webhooks;
  std::vector<JwtSettings> jwt;
  std::vector<ChannelRule> channels;
  /// The past is played: whatever is sent says so ("replay":true), and nobody is a member by being
  /// connected.
  bool replay = false;
};

/// A server that plays the past (replay/playback.h).
struct PlaybackSettings {
  std::optional<std::string> from, to;
  double speed = 1;  ///< 0: as fast as it goes
  bool paused = false;
};

struct Endpoint {
  std::string address;
  std::uint16_t port = 0;
  bool tls = false;
};

struct Settings {
  std::filesystem::path data;
  std::vector<Endpoint> listen{{"127.0.0.1", 8080, false}};
  std::string path_prefix;           ///< in front of /app and /apps, like Reverb's server path
  std::vector<std::string> hosts;    ///< names that Host may be, besides literal loopback
  std::vector<std::string> origins;  ///< sites whose pages may call us; empty: WebSocket from any
  std::filesystem::path tls_certificate, tls_key;
  unsigned threads = 0;  ///< 0: one a core, but one for the log
  std::uint64_t connections_max = 19'900;
  std::uint32_t handshakes_per_s = 20'000;
  std::uint32_t handshake_timeout_s = 10;
  CallerLimits callers;
  Networks trusted_proxies;               ///< what they say of whom they speak for is believed
  bool proxy_protocol = false;            ///< connections of those begin with a PROXY header
  std::uint32_t request_max = 1U << 20;   ///< bytes of an HTTP body
  std::size_t ring_bytes = 256U << 10;    ///< a channel on a shard keeps for those who lag
  std::size_t outbox_bytes = 256U << 10;  ///< control frames a slow connection may owe
  std::chrono::milliseconds drain{3000};
  std::uint32_t commands_max = 16;         ///< questions about the history at a time
  std::uint32_t commands_per_caller = 4;   ///< of one caller
  std::uint32_t command_s = 300;           ///< how long one may take
  std::uint32_t command_cpu_s = 120;       ///< of the processor
  std::uint32_t command_memory_mb = 4096;  ///< of a reader's address space
  std::uint64_t command_rows = 0;          ///< rows of an answer; 0: any number
  bool accept_clock = false;
  std::vector<AppSettings> apps;
  std::optional<PlaybackSettings> playback;  ///< of its one app; nothing: it is live
  Assets page;                               ///< the page's files; empty: there is none
};

}  // namespace rollcall::net::inline hub
