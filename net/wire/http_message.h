// One HTTP request and its answer, without the library that read it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rollcall::net::inline wire {

struct HttpRequest {
  std::string method;
  std::string path;   ///< as in the request line, percent escapes and all; the prefix taken off
  std::string query;  ///< behind the ?
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;  ///< names in lower case
  std::string peer;  ///< address of the client, who may sit behind proxies; local:NAME where local
  bool tls = false;  ///< as the client speaks it
  /// It came over the server's own socket, so the system says who asks. Nothing that was sent does:
  /// convert() alone sets it, from the connection.
  bool local = false;

  [[nodiscard]] std::string_view header(std::string_view name) const {
    for (const auto& [key, value] : headers)
      if (key == name) return value;
    return {};
  }
};

struct HttpReply {
  unsigned status = 200;
  std::string body;
  std::string type = "application/json";
  std::vector<std::pair<std::string, std::string>> headers;
  HttpReply() = default;  // not an aggregate: store/bytes/errc.h says why
};

/// An RFC 9457 problem: one sentence a person can act on.
[[nodiscard]] HttpReply problem(unsigned status, std::string_view detail,
                                std::string_view code = {});

/// 405, and what is answered there (`GET, HEAD`).
[[nodiscard]] HttpReply not_allowed(std::string_view methods);
/// 429, to come again after so many seconds.
[[nodiscard]] HttpReply too_many(std::uint32_t seconds,
                                 std::string_view detail = "too many of these: come again later");

/// Whether a host is named by one of the patterns (`*` stands for anything, also within).
[[nodiscard]] bool host_matches(std::string_view host, const std::vector<std::string>& patterns);
/// The host of an Origin header's URL, without scheme and port; empty where it is none.
[[nodiscard]] std::string_view origin_host(std::string_view origin);
/// Whether Origin names the very host that was asked; a proxy in front may have ended the TLS.
[[nodiscard]] bool same_origin(const HttpRequest& request);
/// A literal loopback address or localhost, with or without a port; or one of `names`.
[[nodiscard]] bool host_allowed(std::string_view host_header,
                                const std::vector<std::string>& names);

}  // namespace rollcall::net::inline wire
