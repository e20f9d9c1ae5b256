// What a socket may have to go through before HTTP: a proxy's header, TLS.
#pragma once

#include "net/http/api.h"
#include "net/hub/shard.h"
#include "net/wire/client_address.h"

namespace rollcall::net::inline http {

/// Hands the accepted socket to the front, on the shard's thread. Where TLS is to be spoken, after
/// its handshake; where the settings say that the peer is a proxy of the PROXY protocol, after what
/// it says. It counts from here on as one that has not said what it wants.
void receive(Api& api, Shard& shard, int fd, Peer peer);

}  // namespace rollcall::net::inline http
