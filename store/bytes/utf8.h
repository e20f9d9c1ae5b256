// UTF-8 from outside: whether it is valid, contains control characters, may be a user's name.
#pragma once

#include "store/bytes/errc.h"

#include <string_view>

namespace rollcall::store::inline bytes {

/// RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF.
[[nodiscard]] bool valid_utf8(std::string_view text);
/// C0, DEL and C1 controls. `text` is valid UTF-8.
[[nodiscard]] bool has_control_character(std::string_view text);
/// A user's name: 1–256 bytes of valid UTF-8 without control characters.
[[nodiscard]] Result<void> check_user_name(std::string_view name);

}  // namespace rollcall::store::inline bytes
