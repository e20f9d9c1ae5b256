// All in sixteen bytes.
#include "net/wire/networks.h"

#include <boost/asio/ip/address.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace rollcall::net::inline wire {
namespace {

namespace ip = boost::asio::ip;
constexpr unsigned kMappedBits = 96;

std::optional<ip::address> address_in(std::string_view text) {
  text = text.substr(0, text.find('%'));
  if (text.empty() || text.size() > 45) return std::nullopt;
  boost::system::error_code ec;
  ip::address address = ip::make_address(std::string(text), ec);
  if (ec) return std::nullopt;
  if (address.is_v6() && address.to_v6().is_v4_mapped())
    address = ip::make_address_v4(ip::v4_mapped, address.to_v6());
  return address;
}

std::array<std::uint8_t, 16> bytes_of(const ip::address& address) {
  return address.is_v4() ? ip::make_address_v6(ip::v4_mapped, address.to_v4()).to_bytes()
                         : address.to_v6().to_bytes();
}

}  // namespace

std::optional<std::string> normal_address(std::string_view text) {
  const auto address = address_in(text);
  if (!address) return std::nullopt;
  return address->to_string();
}

bool is_port(std::string_view text, unsigned least) {
  constexpr unsigned kMost = 65535;
  if (text.empty() || text.size() > 5) return false;
  unsigned value = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
  return ec == std::errc() && end == text.data() + text.size() && value >= least && value <= kMost;
}

namespace {

/// RFC 7239 section 6: a port, or a word that hides it.
bool is_node_port(std::string_view text) { return text.starts_with('_') || is_port(text, 0); }

}  // namespace

std::optional<std::string> address_of_node(std::string_view text) {
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view rest = text.substr(end + 1);
    if (!rest.empty() && (rest.front() != ':' || !is_node_port(rest.substr(1))))
      return std::nullopt;
    return normal_address(text.substr(1, end - 1));
  }
  if (std::count(text.begin(), text.end(), ':') == 1) {
    if (!is_node_port(text.substr(text.find(':') + 1))) return std::nullopt;
    text = text.substr(0, text.find(':'));
  }
  return normal_address(text);
}

std::string limit_key(std::string_view address) {
  const auto found = address_in(address);
  if (!found || found->is_v4()) return std::string(address);
  auto bytes = found->to_v6().to_bytes();
  std::fill(bytes.begin() + 8, bytes.end(), std::uint8_t{0});
  return ip::address_v6(bytes).to_string() + "/64";
}

store::Result<Networks> Networks::parse(const std::vector<std::string>& texts) {
  Networks out;
  for (const std::string& text : texts) {
    const store::Error bad{
        store::Errc::BadInput,
        fmt::format("'{}' is not an address or network, like 10.0.0.7, 10.0.0.0/8 or 2001:db8::/32",
                    text)};
    const std::size_t slash = text.find('/');
    const auto address = address_in(std::string_view(text).substr(0, slash));
    if (!address) return bad;
    Network network;
    network.bytes = bytes_of(*address);
    if (slash != std::string::npos) {
      const char* const end = text.data() + text.size();
      unsigned bits = 0;
      const auto [at, ec] = std::from_chars(text.data() + slash + 1, end, bits);
      if (ec != std::errc() || at != end || bits > (address->is_v4() ? 32U : 128U)) return bad;
      network.bits = address->is_v4() ? kMappedBits + bits : bits;
    }
    out.networks_.push_back(network);
  }
  return out;
}

bool Networks::contain(std::string_view address) const {
  if (networks_.empty()) return false;
  const auto found = address_in(address);
  if (!found) return false;
  const Bytes bytes = bytes_of(*found);
  return std::any_of(networks_.begin(), networks_.end(), [&](const Network& network) {
    const unsigned whole = network.bits / 8, rest = network.bits % 8;
    if (!std::equal(bytes.begin(), bytes.begin() + whole, network.bytes.begin())) return false;
    if (rest == 0) return true;
    const auto mask = static_cast<std::uint8_t>(0xFFU << (8 - rest));
    return (bytes.at(whole) & mask) == (network.bytes.at(whole) & mask);
  });
}

}  // namespace rollcall::net::inline wire
