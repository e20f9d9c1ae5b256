// A request as everything behind the front sees it.
#pragma once

#include "net/presence/server_context.h"
#include "net/wire/client_address.h"
#include "net/wire/http_message.h"

#include <boost/beast/http/message.hpp>

namespace rollcall::net::inline http {

/// The request as everything behind the front sees it: without the prefix that a proxy puts before
/// our paths, and as the client's whose it is (net/wire/client_address.h).
[[nodiscard]] HttpRequest convert(const boost::beast::http::request_header<>& head,
                                  const ServerContext& server, const Peer& peer);
/// Whether the request's Host is one that is answered to. On the server's own socket any is: no
/// name leads there.
[[nodiscard]] bool host_answered(const HttpRequest& request, const ServerContext& server);

/// What a balancer asks to see whether this server lives: it knows no name of ours.
[[nodiscard]] bool answers_any_host(const HttpRequest& request);
/// Nobody in particular: under a foreign name nothing is told that needs to know who asks.
void strip_credentials(HttpRequest& request);

}  // namespace rollcall::net::inline http
