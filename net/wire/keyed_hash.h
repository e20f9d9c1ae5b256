// The hash of tables whose keys outsiders choose.
//
// Why this file exists: channel names, users and callers are strangers' text. With a hash that is
// the same everywhere (std::hash) a stranger computes beforehand which names fall together, and one
// table entry costs as much as all of them. SipHash under a key drawn at the start says nothing.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace rollcall::net::inline wire {

using HashKey = std::array<std::uint8_t, 16>;
/// SipHash-2-4 (Aumasson and Bernstein, 2012).
[[nodiscard]] std::uint64_t siphash(const HashKey& key, std::string_view text);

/// For the standard's unordered containers; looks up by string_view, too.
struct KeyedHash {
  using is_transparent = void;
  [[nodiscard]] std::size_t operator()(std::string_view text) const;
};

}  // namespace rollcall::net::inline wire
