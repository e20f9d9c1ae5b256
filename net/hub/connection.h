// One established WebSocket connection, as its shard keeps it.
//
// Why this file exists: twenty thousand of these are idle most of the time, so what an idle one
// needs is small and everything else hangs off it only while it is wanted.
#pragma once

#include "net/hub/settings.h"
#include "net/wire/ring.h"
#include "net/wire/socket_id.h"

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace rollcall::net::inline hub {

/// Which of a connection's subscriptions something is about: one that left a channel and asked for
/// it anew has another. 0 is none.
using Ticket = std::uint32_t;

/// The app that a connection belongs to, as the shards see it.
class Tenant {
 public:
  explicit Tenant(AppSettings settings) : settings_(std::move(settings)) {}
  Tenant(const Tenant&) = delete;
  Tenant& operator=(const Tenant&) = delete;
  [[nodiscard]] const AppSettings& settings() const { return settings_; }

 protected:
  ~Tenant() = default;

 private:
  AppSettings settings_;
};

struct LocalChannel;

/// A channel this connection asked for. Until `channel` is set it waits for its place.
struct Subscription {
  LocalChannel* channel = nullptr;
  std::unique_ptr<std::string> wanted;  ///< the channel's name while it waits
  std::uint32_t index = 0;              ///< in the channel's list of subscribers
  Ticket ticket = 0;
};

/// What is held only for some connections.
struct Identity {
  std::string user_id;  ///< signed in as; empty where not
  std::string user_info, session;
  std::vector<std::string> watchlist;
  /// Presence channels and who this connection is in each.
  struct Member {
    std::string channel, user_id, session;
    bool logged = false;  ///< its coming and going is in the log
    Ticket ticket = 0;
    std::string auth;  ///< the signature that let it in
  };
  std::vector<Member> members;
  double tokens = 0;  ///< of client events
  std::int64_t tokens_at_ms = 0;
  std::int64_t touched_at_ms = 0;
  bool has_left = false;  ///< some channel whose coming and going is in the log
};

struct Connection {
  int fd = -1;
  std::uint32_t heard_s = 0;  ///< when anything last came in, seconds of the shard's clock
  std::uint32_t opened_s = 0;
  std::uint32_t spoke_s = 0;  ///< when we last said anything but what a channel's ring holds
  ConnectionId id = 0;
  Tenant* tenant = nullptr;
  std::unique_ptr<std::string> in;         ///< the beginning of a frame
  std::unique_ptr<std::string> fragments;  ///< of a text message
  std::uint32_t place = 0;                 ///< in the shard's list
  bool blocked : 1 = false;                ///< waits until the socket takes more
  bool closing : 1 = false;                ///< a close frame was sent or came; nothing more is said
  bool closed : 1 = false;                 ///< to be destroyed at the end of this turn
  bool answers_frames : 1 = false;         ///< has answered a WebSocket ping
  bool authorized : 1 = false;             ///< signed in, or in a channel that needs authentication
  bool told : 1 = false;                   ///< the protocol knows that it is closed
  bool asked : 1 = false;                  ///< a ping is open, since spoke_s
  std::uint32_t large : 25 = 0;            ///< bytes of `out` beyond what may be owed: one frame's
  // What a ping or a frame to all touches ends here, within a cache line.
  std::string out;  ///< what the socket did not take: the rest of a frame, then control frames
  std::vector<Subscription> subscriptions;
  std::unique_ptr<Identity> identity;
  std::unique_ptr<std::string> from;  ///< address, a line feed, user agent
};

static_assert(sizeof(void*) != 8 || sizeof(Connection) == 128);  // two cache lines

}  // namespace rollcall::net::inline hub
