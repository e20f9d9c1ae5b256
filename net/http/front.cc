// What comes first decides: an upgrade that is whole is taken at once, anything else is a session
// of HTTP.
#include "net/http/front.h"

#include "net/http/received.h"
#include "net/http/session.h"
#include "net/pusher/handshake.h"
#include "net/v1/stream.h"
#include "net/wire/request_head.h"

#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket/rfc6455.hpp>
#include <sys/socket.h>

#include <cerrno>

namespace rollcall::net::inline http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;

/// Most of what knocks in a rush is a Pusher client whose whole upgrade request has come by the
/// time it is accepted. It needs no coroutine and no place in Asio's set: a third of a handshake's
/// time in this program. Anything else, also what is to be refused, is left to a session of HTTP;
/// false then.
bool adopt_at_once(ServerContext& server, Shard& shard, int fd, const Peer& peer,
                   std::string_view bytes) {
  http::request_parser<http::empty_body> parser;
  parser.header_limit(kHeadMost);
  beast::error_code failed;
  const std::size_t used = parser.put(asio::buffer(bytes), failed);
  if (failed || !parser.is_done() || !beast::websocket::is_upgrade(parser.get())) return false;
  const HttpRequest request = convert(parser.get().base(), server, peer);
  if (request.path == kStreamPath || head_fault(request, parser.get().version()) ||
      !host_answered(request, server))
    return false;
  Handshake shaken = shake_hands(server, request);
  if (shaken.app == nullptr) return false;
  shard.adopt(fd, *shaken.app, std::move(shaken.answer), bytes.substr(used),
              std::move(shaken.from));
  return true;
}

}  // namespace

void serve_front(Api& api, Shard& shard, int fd, Peer peer) {
  std::array<char, 2048> buffer;
  const ssize_t n = ::recv(fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
  const std::string_view early(buffer.data(), n > 0 ? static_cast<std::size_t>(n) : 0);
  if (!early.empty() && adopt_at_once(api.context(), shard, fd, peer, early)) return;
  converse(api, shard, fd, std::move(peer), early);
}

}  // namespace rollcall::net::inline http
