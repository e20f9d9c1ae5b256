// UTF-8 validation.
#include "store/bytes/utf8.h"

#include <cstdint>

namespace rollcall::store::inline bytes {

[[gnu::hot]] bool valid_utf8(std::string_view s) {
  for (std::size_t i = 0; i < s.size();) {
    const auto c = static_cast<std::uint8_t>(s[i]);
    std::size_t n = 0;
    std::uint32_t min = 0;
    std::uint32_t cp = 0;
    if (c < 0x80) {
      ++i;
      continue;
    }
    if (c >= 0xC2 && c < 0xE0) {
      n = 1;
      cp = c & 0x1F;
      min = 0x80;
    } else if (c >= 0xE0 && c < 0xF0) {
      n = 2;
      cp = c & 0x0F;
      min = 0x800;
    } else if (c >= 0xF0 && c < 0xF5) {
      n = 3;
      cp = c & 0x07;
      min = 0x10000;
    } else
      return false;
    if (s.size() - i <= n) return false;
    for (std::size_t k = 1; k <= n; ++k) {
      const auto d = static_cast<std::uint8_t>(s[i + k]);
      if ((d & 0xC0) != 0x80) return false;
      cp = (cp << 6) | (d & 0x3F);
    }
    if (cp < min || cp > 0x10FFFF || (cp >= 0xD800 && cp < 0xE000)) return false;
    i += n + 1;
  }
  return true;
}

bool has_control_character(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<std::uint8_t>(text[i]);
    if (c < 0x20 || c == 0x7F) return true;
    if (c == 0xC2 && i + 1 < text.size() && static_cast<std::uint8_t>(text[i + 1]) < 0xA0)
      return true;
  }
  return false;
}

constexpr std::size_t kUserNameMax = 256;

Result<void> check_user_name(std::string_view name) {
  if (name.empty() || name.size() > kUserNameMax || !valid_utf8(name) ||
      has_control_character(name)) {
    return Error{Errc::BadInput,
                 "a user's name is 1 to 256 bytes of UTF-8 without control characters"};
  }
  return {};
}

}  // namespace rollcall::store::inline bytes
