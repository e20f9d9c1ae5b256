// Version 1 is a line of text, version 2 binary.
#include "net/wire/proxy_protocol.h"

#include "net/wire/networks.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

namespace rollcall::net::inline wire {
namespace {

using Is = ProxyHeader::Is;

constexpr std::string_view kOne = "PROXY ";
constexpr std::size_t kOneMost = 107;  // section 2.1, with the line's end
constexpr std::array<std::uint8_t, 12> kTwo{0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D,
                                            0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A};
constexpr std::size_t kTwoHead = 16;

ProxyHeader broken() {
  ProxyHeader out;
  out.is = Is::Broken;
  return out;
}

ProxyHeader read_one(std::string_view text) {
  const std::size_t end = text.substr(0, kOneMost).find("\r\n");
  if (end == std::string_view::npos) return text.size() < kOneMost ? ProxyHeader{} : broken();
  ProxyHeader out;
  out.is = Is::Whole;
  out.size = end + 2;
  std::vector<std::string_view> words;
  std::string_view rest = text.substr(kOne.size(), end - kOne.size());
  while (true) {
    const std::size_t space = std::min(rest.find(' '), rest.size());
    words.push_back(rest.substr(0, space));
    if (space == rest.size()) break;
    rest.remove_prefix(space + 1);
  }
  if (words.front() == "UNKNOWN") return out;
  if (words.size() != 5 || (words[0] != "TCP4" && words[0] != "TCP6")) return broken();
  const bool six = words[0] == "TCP6";
  for (const std::size_t i : {1, 2})
    if ((words[i].find(':') != std::string_view::npos) != six || !normal_address(words[i]))
      return broken();
  if (!is_port(words[3], 0) || !is_port(words[4], 0)) return broken();
  out.address = *normal_address(words[1]);
  return out;
}

std::string text_of(std::span<const std::uint8_t> bytes) {
  std::string out;
  if (bytes.size() == 4) {
    for (const std::uint8_t byte : bytes) out += (out.empty() ? "" : ".") + std::to_string(byte);
    return out;
  }
  constexpr std::string_view kHex = "0123456789abcdef";
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i != 0 && i % 2 == 0) out += ':';
    out += kHex[bytes[i] >> 4U];
    out += kHex[bytes[i] & 15U];
  }
  return normal_address(out).value_or(std::string());
}

ProxyHeader read_two(std::span<const std::uint8_t> bytes) {
  if (bytes.size() < kTwoHead) return {};
  constexpr std::uint8_t kLocal = 0x20, kProxy = 0x21, kTcp4 = 0x11, kTcp6 = 0x21;
  const std::uint8_t command = bytes[12], family = bytes[13];
  const std::size_t length = (std::size_t{bytes[14]} << 8U) | bytes[15];
  if ((command != kLocal && command != kProxy) || kTwoHead + length > kProxyHeaderMost)
    return broken();
  if (bytes.size() < kTwoHead + length) return {};
  ProxyHeader out;
  out.is = Is::Whole;
  out.size = kTwoHead + length;
  auto rest = bytes.subspan(kTwoHead, length);
  if (command == kLocal || (family != kTcp4 && family != kTcp6)) return out;
  const std::size_t address = family == kTcp4 ? 4 : 16, all = 2 * address + 4;
  if (rest.size() < all) return broken();
  out.address = text_of(rest.first(address));
  rest = rest.subspan(all);
  // Section 2.2: what follows are values with a type and a length; 0x20 says what was TLS.
  while (rest.size() >= 3) {
    constexpr std::uint8_t kSsl = 0x20, kClientSsl = 0x01;
    const std::size_t size = (std::size_t{rest[1]} << 8U) | rest[2];
    if (rest.size() < 3 + size) return broken();
    if (rest[0] == kSsl && size >= 1) out.tls = (rest[3] & kClientSsl) != 0;
    rest = rest.subspan(3 + size);
  }
  return out;
}

}  // namespace

ProxyHeader read_proxy_header(std::span<const std::uint8_t> bytes) {
  const std::size_t n = std::min(bytes.size(), kTwo.size());
  if (std::equal(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(n), kTwo.begin()))
    return n < kTwo.size() ? ProxyHeader{} : read_two(bytes);
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const std::size_t m = std::min(text.size(), kOne.size());
  if (text.substr(0, m) != kOne.substr(0, m)) return broken();
  return m < kOne.size() ? ProxyHeader{} : read_one(text);
}

}  // namespace rollcall::net::inline wire
