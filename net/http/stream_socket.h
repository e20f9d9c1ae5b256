// GET /v1/stream as a WebSocket, for services: the subprotocol rollcall.v1.capnp.
//
// Why this file exists: there are few of these and they carry much, so Beast's own WebSocket serves
// them, with its buffers and pings; the thousands of Pusher clients are the shard's
// (net/hub/shard.h).
#pragma once

#include "net/loop/chunks.h"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>

#include <memory>
#include <string_view>

namespace rollcall::net::inline http {

using HttpStream = boost::beast::basic_stream<boost::asio::generic::stream_protocol>;
using HttpMessage = boost::beast::http::request<boost::beast::http::string_body>;

inline constexpr std::string_view kStreamProtocol = "rollcall.v1.capnp";

/// Whether the request offers the subprotocol (RFC 6455 section 4.1: a list of tokens).
[[nodiscard]] bool offers_stream_protocol(std::string_view header);

/// Answers the upgrade and sends each piece of `chunks` as one binary message, until they end or
/// the other side goes. What it says is passed over.
[[nodiscard]] boost::asio::awaitable<void> serve_event_socket(HttpStream stream,
                                                              HttpMessage upgrade,
                                                              std::shared_ptr<Chunks> chunks);

}  // namespace rollcall::net::inline http
