// Whose request it is when proxies stand between: X-Forwarded-For, X-Forwarded-Proto, Forwarded.
//
// Why this file exists: what a header says is believed as far as the proxies that the settings name
// reach, and no further: whoever connects can write any header. Limits count by this address, it is
// the address that the log keeps, and whether the client spoke TLS decides what `tls_only` asks.
#pragma once

#include "net/wire/http_message.h"
#include "net/wire/networks.h"

#include <string>

namespace rollcall::net::inline wire {

/// Who is at the other end of a connection.
struct Peer {
  std::string address;  ///< local:NAME where `local`
  bool tls = false;     ///< is spoken on it
  bool local = false;   ///< on the server's own socket (net/access/local_caller.h)
};

struct Client {
  std::string address;
  bool tls = false;
};

/// `peer`, `tls`: of the connection itself. Where the peer is trusted, the rightmost address that
/// is not; where two headers contradict each other, neither is believed. An entry that is no
/// address (`unknown`, `_hidden`) ends the walk: the client is who stood before it.
[[nodiscard]] Client client_of(const HttpRequest& request, const std::string& peer, bool tls,
                               const Networks& trusted);

}  // namespace rollcall::net::inline wire
