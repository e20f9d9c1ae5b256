// The number of a connection, which as text is the protocol's socket id.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace rollcall::net::inline wire {

/// High half: a counter, its lowest four bits the shard; low half: random. Written as `high.low` it
/// is the socket id. Never reused by a process.
using ConnectionId = std::uint64_t;
inline constexpr unsigned kShardsMax = 16;
[[nodiscard]] inline unsigned shard_of(ConnectionId id) {
  return static_cast<unsigned>(id >> 32) % kShardsMax;
}
[[nodiscard]] std::string socket_id_text(ConnectionId id);
/// Nothing (0) where it is not of the form digits.digits.
[[nodiscard]] ConnectionId parse_socket_id(std::string_view text);

}  // namespace rollcall::net::inline wire
