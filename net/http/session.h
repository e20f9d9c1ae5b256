// A connection that speaks HTTP: one request after another, until it is upgraded or ends.
#pragma once

#include "net/http/api.h"
#include "net/hub/shard.h"
#include "net/wire/client_address.h"

#include <boost/beast/http/message.hpp>

#include <string>
#include <string_view>

namespace rollcall::net::inline http {

inline constexpr std::uint32_t kHeadMost = 16 * 1024;  ///< bytes of a request's head

/// The request as everything behind the front sees it: without the prefix that a proxy puts before
/// our paths, and as the client's whose it is (net/wire/client_address.h).
[[nodiscard]] HttpRequest convert(const boost::beast::http::request_header<>& head,
                                  const ServerContext& server, const Peer& peer);
/// Whether the request's Host is one that is answered to. On the server's own socket any is: no
/// name leads there.
[[nodiscard]] bool host_answered(const HttpRequest& request, const ServerContext& server);

/// Serves the socket on the shard's thread until it ends or is handed on. `early`: what has been
/// read from it.
void converse(Api& api, Shard& shard, int fd, Peer peer, std::string_view early);

}  // namespace rollcall::net::inline http
