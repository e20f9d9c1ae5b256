// wcwidth, asked in a locale of our own.
#include "cli/columns.h"

#include <locale.h>
#include <wchar.h>

#include <algorithm>

namespace rollcall::cli {
namespace {

/// While it lives, this thread's C functions read UTF-8. The user's LANG may be unset, "C" or
/// Latin-1, where wcwidth() answers -1 for whatever is not ASCII. C.UTF-8 is part of glibc since
/// 2.35 and needs no package of locales.
class InUtf8 {
 public:
  InUtf8() {
    static const locale_t utf8 = ::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
    if (utf8 != nullptr) before_ = ::uselocale(utf8);
  }
  ~InUtf8() {
    if (before_ != nullptr) ::uselocale(before_);
  }
  InUtf8(const InUtf8&) = delete;
  InUtf8& operator=(const InUtf8&) = delete;

 private:
  locale_t before_ = nullptr;
};

}  // namespace

std::size_t columns_of(std::string_view text) {
  const auto ascii = [](char c) { return static_cast<unsigned char>(c) < 0x80; };
  if (std::all_of(text.begin(), text.end(), ascii)) return text.size();
  const InUtf8 locale;
  std::size_t out = 0;
  for (std::size_t i = 0; i < text.size();) {
    const auto first = static_cast<unsigned char>(text[i]);
    const std::size_t bytes = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    unsigned code = bytes == 1 ? first : first & (0x7FU >> bytes);
    for (std::size_t k = 1; k < bytes && i + k < text.size(); ++k)
      code = (code << 6U) | (static_cast<unsigned char>(text[i + k]) & 0x3FU);
    const int width = ::wcwidth(static_cast<wchar_t>(code));  // glibc's wchar_t is a code point
    out += width < 0 ? 1 : static_cast<std::size_t>(width);
    i += bytes;
  }
  return out;
}

std::string padded(std::string text, std::size_t columns) {
  const std::size_t wide = columns_of(text);
  if (wide < columns) text.append(columns - wide, ' ');
  return text;
}

}  // namespace rollcall::cli
