// The PROXY protocol, versions 1 and 2: what a proxy that passes bytes on says before them.
//
// Why this file exists: a balancer that does not read HTTP cannot add a header. The specification
// (haproxy.org, doc/proxy-protocol.txt) forbids guessing, so it is read where the settings say so,
// from proxies they name, and there it must be.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace rollcall::net::inline wire {

struct ProxyHeader {
  enum class Is { Incomplete, Broken, Whole } is = Is::Incomplete;
  std::size_t size = 0;     ///< bytes of the header; what follows is the client's
  std::string address;      ///< empty: the proxy speaks for itself, or does not say for whom
  std::optional<bool> tls;  ///< version 2 may say whether the client spoke TLS to the proxy
};

inline constexpr std::size_t kProxyHeaderMost = 4096;

[[nodiscard]] ProxyHeader read_proxy_header(std::span<const std::uint8_t> bytes);

}  // namespace rollcall::net::inline wire
