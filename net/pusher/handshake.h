// Whether a WebSocket of the Pusher protocol is let in, and what it is answered.
#pragma once

#include "net/presence/server_context.h"
#include "net/wire/http_message.h"

#include <optional>
#include <string>

namespace rollcall::net::inline pusher {

/// What becomes of an upgrade request (RFC 6455; the codes are of Pusher's protocol 7).
struct Handshake {
  App* app = nullptr;  ///< whose connection it becomes; null where it is not let in
  std::string answer;  ///< 101; where it is not let in, also the frames that say why and close
  std::string from;    ///< the other side: its address and its user agent
  std::optional<HttpReply> problem;  ///< instead of `answer`: it is not upgraded at all
};

/// What somebody is told who asked for a WebSocket and whose request says so no more: a proxy in
/// between took a header out. Nothing where it is another request.
[[nodiscard]] std::optional<HttpReply> lost_upgrade(const HttpRequest& request, unsigned version);

/// Counts against the handshakes that the server takes in a second, where one is let in.
[[nodiscard]] Handshake shake_hands(ServerContext& server, const HttpRequest& request);

}  // namespace rollcall::net::inline pusher
