// What meets a new connection: the upgrade to a WebSocket, or a conversation over HTTP.
#pragma once

#include "net/server.h"
#include "net/shard.h"

namespace rollcall::net {

/// Serves the socket on the shard's thread until it ends or is handed to the shard.
void serve_front(Server& server, Shard& shard, int fd, std::string peer, bool tls);

}  // namespace rollcall::net
