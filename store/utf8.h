// UTF-8 from outside: whether it is valid, and whether it contains control characters.
#pragma once

#include <string_view>

namespace rollcall::store {

/// RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF.
[[nodiscard]] bool valid_utf8(std::string_view text);
/// C0, DEL and C1 controls. `text` is valid UTF-8.
[[nodiscard]] bool has_control_character(std::string_view text);

}  // namespace rollcall::store
