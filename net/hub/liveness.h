// How long an established connection may be silent before the server asks whether it lives.
//
// Why this file exists: two others measure the same silence. The client asks first, after the
// activity_timeout that it was told, and proxies give up a connection on which the server says
// nothing: nginx after 60 s unless told otherwise (proxy_read_timeout). The server comes between.
#pragma once

#include <algorithm>
#include <cstdint>

namespace rollcall::net::inline hub {

inline constexpr std::uint32_t kProxyPatienceSeconds = 60;

/// A little later than the client's own time-out, so that a lively one is never asked; but never so
/// late that a proxy gives up, by the shard's clock of whole seconds.
[[nodiscard]] constexpr std::uint32_t silence_most_s(std::uint32_t activity_timeout_s) {
  const std::uint32_t later =
      activity_timeout_s + std::max<std::uint32_t>(1, activity_timeout_s / 10);
  return std::min(later, kProxyPatienceSeconds - 5);
}

}  // namespace rollcall::net::inline hub
