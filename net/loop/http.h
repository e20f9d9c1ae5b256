// Small HTTP/1.1: one request to a URL (libcurl; over a UNIX socket, Beast), and a server for a
// handler function (Asio, Beast).
#pragma once

#include "store/bytes/errc.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rollcall::net::inline loop {

struct Reply {
  unsigned status = 200;
  std::string type = "text/plain; charset=utf-8";
  std::string body;
};

struct Request {
  std::string method;
  std::string target;
  std::string body;
};

/// Serves until SIGINT or SIGTERM; one request at a time reaches the handler. `listening` is told
/// the port (useful with port 0). Every read has a limit of size and of time.
[[nodiscard]] store::Result<void> serve_http(
    const std::string& address, std::uint16_t port,
    const std::function<Reply(const Request&)>& handler,
    const std::function<void(std::uint16_t port)>& listening);

using Headers = std::vector<std::pair<std::string, std::string>>;
inline constexpr std::size_t kReplyMax = 128 * 1024;  ///< bytes of an answer's body
inline constexpr auto kReplyWithin = std::chrono::seconds(10);
/// POSTs to an http:// or https:// URL (certificates are checked), or to one of a UNIX socket
/// (net/loop/local_socket.h); kReplyWithin for all of it, finding the host's address included.
/// `cancel` ends it at once, whatever it waits for.
[[nodiscard]] store::Result<Reply> post(const std::string& url, const std::string& body,
                                        const Headers& headers = {},
                                        const std::stop_token& cancel = {});
[[nodiscard]] store::Result<Reply> get(const std::string& url, const Headers& headers = {},
                                       const std::stop_token& cancel = {});
/// Sends and hands over the answer's body as it comes; false from `piece` ends it. No time limit
/// once the answer has begun. The reply holds status and type, and the body where it is no 200.
[[nodiscard]] store::Result<Reply> post_streaming(
    const std::string& url, const std::string& body, const Headers& headers,
    const std::function<bool(std::string_view piece)>& piece);
[[nodiscard]] store::Result<Reply> get_streaming(
    const std::string& url, const Headers& headers,
    const std::function<bool(std::string_view piece)>& piece);

/// SCHEME://HOST:PORT of a URL, for a message: without credentials, path and query, which may be
/// secret.
[[nodiscard]] std::string place_of(std::string_view url);

}  // namespace rollcall::net::inline loop
