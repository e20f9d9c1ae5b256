// Bytes and their text forms: big-endian integers, hex, base64.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace rollcall::store::inline bytes {

using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<const std::uint8_t>;
using Hash = std::array<std::uint8_t, 32>;
using Key = std::array<std::uint8_t, 32>;

[[nodiscard]] inline ByteView as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
[[nodiscard]] inline std::string_view as_text(ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

[[nodiscard]] std::string hex(ByteView bytes);
[[nodiscard]] std::optional<Bytes> from_hex(std::string_view text);

/// RFC 4648 section 4, with padding. Decoding is strict: no white space, no missing padding.
[[nodiscard]] std::string base64(ByteView bytes);
[[nodiscard]] std::optional<Bytes> from_base64(std::string_view text);
/// RFC 4648 section 5, without padding: for cursors.
[[nodiscard]] std::string base64url(ByteView bytes);
[[nodiscard]] std::optional<Bytes> from_base64url(std::string_view text);

void put_be64(Bytes& out, std::uint64_t value);
void put_be32(Bytes& out, std::uint32_t value);
[[nodiscard]] std::uint64_t get_be64(ByteView bytes);  ///< reads the first 8 bytes
[[nodiscard]] std::uint32_t get_be32(ByteView bytes);  ///< reads the first 4 bytes

/// A decimal number without sign or leading zero, as C2SP's formats write sizes.
[[nodiscard]] std::optional<std::uint64_t> parse_decimal(std::string_view text);

}  // namespace rollcall::store::inline bytes
