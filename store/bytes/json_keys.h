// The keys of JSON objects that strangers wrote.
//
// Why this file exists: an object may say the same key twice, of which Boost takes the last and
// others the first: whoever read it before us may have checked the other one, so what we act on is
// refused.
#pragma once

#include <limits>
#include <optional>
#include <string>
#include <string_view>

namespace rollcall::store::inline bytes {

/// A key that stands twice in one object, in the first `levels` of nesting; nothing where there is
/// none. Of text that is not JSON, anything.
[[nodiscard]] std::optional<std::string> key_twice(
    std::string_view text, std::size_t levels = std::numeric_limits<std::size_t>::max());
/// The sentence for it. `where`: "the body".
[[nodiscard]] std::string twice_text(std::string_view key, std::string_view where);

}  // namespace rollcall::store::inline bytes
