// Small HTTP/1.1 over Asio and Beast: a server for a handler function, and one request to a URL.
#pragma once

#include "net/witness.h"

#include <cstdint>
#include <functional>
#include <string>

namespace rollcall::net {

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

/// POSTs to an http:// URL; 10 s for all of it.
[[nodiscard]] store::Result<Reply> post(const std::string& url, const std::string& body);
[[nodiscard]] store::Result<Reply> get(const std::string& url);

}  // namespace rollcall::net
