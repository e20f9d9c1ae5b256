// Socket ids as text.
#include "net/wire/socket_id.h"

#include <fmt/format.h>

#include <charconv>

namespace rollcall::net::inline wire {

std::string socket_id_text(ConnectionId id) {
  return fmt::format("{}.{}", id >> 32, id & 0xFFFFFFFF);
}

ConnectionId parse_socket_id(std::string_view text) {
  const std::size_t dot = text.find('.');
  if (dot == std::string_view::npos) return 0;
  std::uint64_t high = 0, low = 0;
  const char* const end = text.data() + text.size();
  const auto [a, ea] = std::from_chars(text.data(), text.data() + dot, high);
  const auto [b, eb] = std::from_chars(text.data() + dot + 1, end, low);
  const bool digits = ea == std::errc() && eb == std::errc() && a == text.data() + dot && b == end;
  if (!digits) return 0;
  // Well-formed numbers that no connection of ours can have are somebody's unknown id.
  if (high > 0xFFFFFFFF || low > 0xFFFFFFFF || (high == 0 && low == 0)) return ~ConnectionId{0};
  return (high << 32) | low;
}

}  // namespace rollcall::net::inline wire
