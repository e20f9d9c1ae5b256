// Addresses and networks, of both families, as a setting names them.
#pragma once

#include "store/bytes/errc.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rollcall::net::inline wire {

/// A TCP port in decimal: up to five digits, `least` to 65535. 0 is none to connect to, and may be
/// what a proxy says of a client.
[[nodiscard]] bool is_port(std::string_view text, unsigned least = 1);
/// An address as it is compared and shown: IPv4 that came as IPv6 (::ffff:192.0.2.1) is IPv4, and a
/// zone (%eth0) is no part of it. Nothing where the text is no address.
[[nodiscard]] std::optional<std::string> normal_address(std::string_view text);
/// The same for what a proxy writes: also `192.0.2.1:4711`, `[2001:db8::1]` and `[2001:db8::1]:80`.
[[nodiscard]] std::optional<std::string> address_of_node(std::string_view text);
/// Whose requests are counted together: an IPv4 address, or an IPv6 network of 64 bits, which one
/// household or machine has to itself.
[[nodiscard]] std::string limit_key(std::string_view address);

class Networks {
 public:
  /// Of `10.0.0.0/8`, `2001:db8::/32`, `127.0.0.1`; the error names the entry that is none.
  [[nodiscard]] static store::Result<Networks> parse(const std::vector<std::string>& texts);
  [[nodiscard]] bool contain(std::string_view address) const;
  [[nodiscard]] bool empty() const { return networks_.empty(); }

 private:
  using Bytes = std::array<std::uint8_t, 16>;  ///< IPv4 as ::ffff:a.b.c.d
  struct Network {
    Bytes bytes{};
    unsigned bits = 128;
  };
  std::vector<Network> networks_;
};

}  // namespace rollcall::net::inline wire
