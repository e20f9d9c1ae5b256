// What meets a new connection: the upgrade to a WebSocket, or a session of HTTP.
#pragma once

#include "net/http/api.h"
#include "net/hub/shard.h"
#include "net/wire/client_address.h"

namespace rollcall::net::inline http {

/// Serves the socket on the shard's thread until it ends or is handed to the shard.
void serve_front(Api& api, Shard& shard, int fd, Peer peer);

}  // namespace rollcall::net::inline http
