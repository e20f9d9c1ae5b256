// A connection that speaks HTTP: one request after another, until it is upgraded or ends.
#pragma once

#include "net/http/api.h"
#include "net/hub/shard.h"
#include "net/wire/client_address.h"

#include <string_view>

namespace rollcall::net::inline http {

inline constexpr std::uint32_t kHeadMost = 16 * 1024;  ///< bytes of a request's head

/// Serves the socket on the shard's thread until it ends or is handed on. `early`: what has been
/// read from it.
void converse(Api& api, Shard& shard, int fd, Peer peer, std::string_view early);

}  // namespace rollcall::net::inline http
