// Escaping, code point by code point.
#include "store/bytes/printable.h"

#include "store/bytes/utf8.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace rollcall::store::inline bytes {
namespace {

struct Span {
  char32_t first, last;
};
// Unicode 15: categories Cc, Cf, Zl and Zp, with the unassigned ones that are set aside as
// "default ignorable" between them. Ascending.
constexpr std::array kHidden{
    Span{0x0, 0x1F},        Span{0x7F, 0x9F},       Span{0xAD, 0xAD},       Span{0x600, 0x605},
    Span{0x61C, 0x61C},     Span{0x6DD, 0x6DD},     Span{0x70F, 0x70F},     Span{0x890, 0x891},
    Span{0x8E2, 0x8E2},     Span{0x180E, 0x180E},   Span{0x200B, 0x200F},   Span{0x2028, 0x202E},
    Span{0x2060, 0x206F},   Span{0xFEFF, 0xFEFF},   Span{0xFFF0, 0xFFFB},   Span{0x110BD, 0x110BD},
    Span{0x110CD, 0x110CD}, Span{0x13430, 0x1343F}, Span{0x1BCA0, 0x1BCA3}, Span{0x1D173, 0x1D17A},
    Span{0xE0000, 0xE007F}};

/// The bytes of the character at the beginning of `text`; 0 where they are not UTF-8.
std::size_t length_of(std::string_view text) {
  const auto c = static_cast<unsigned char>(text.front());
  const std::size_t n = c < 0x80 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
  return text.size() >= n && valid_utf8(text.substr(0, n)) ? n : 0;
}

char32_t code_point(std::string_view bytes) {
  const auto first = static_cast<unsigned char>(bytes.front());
  if (bytes.size() == 1) return first;
  char32_t out = first & (0x7FU >> bytes.size());
  for (const char c : bytes.substr(1)) out = (out << 6) | (static_cast<unsigned char>(c) & 0x3FU);
  return out;
}

}  // namespace

bool hides_itself(char32_t c) {
  const auto span = std::lower_bound(kHidden.begin(), kHidden.end(), c,
                                     [](const Span& s, char32_t value) { return s.last < value; });
  return span != kHidden.end() && span->first <= c;
}

std::string printable(std::string_view text, LineEnds ends) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t n = length_of(text.substr(i));
    if (n == 0) {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(text[i++]));
      continue;
    }
    const char32_t c = code_point(text.substr(i, n));
    const bool line_end = c == '\n' || c == '\t' || (c == '\r' && text.substr(i + 1, 1) == "\n");
    if (!hides_itself(c) || (ends == LineEnds::Kept && line_end))
      out += text.substr(i, n);
    else if (c < 0x80)
      out += fmt::format("\\x{:02x}", static_cast<unsigned>(c));
    else
      out += c < 0x10000 ? fmt::format("\\u{:04x}", static_cast<unsigned>(c))
                         : fmt::format("\\U{:08x}", static_cast<unsigned>(c));
    i += n;
  }
  return out;
}

std::string printable_json(std::string_view json) {
  std::string out;
  for (std::size_t i = 0; i < json.size();) {
    const std::size_t n = length_of(json.substr(i));
    const char32_t c = n == 0 ? U' ' : code_point(json.substr(i, n));
    if (c < 0x7F || !hides_itself(c))  // those below are escaped in a string, or stand outside one
      out += json.substr(i, std::max<std::size_t>(n, 1));
    else if (c < 0x10000)
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    else
      out +=
          fmt::format("\\u{:04x}\\u{:04x}", 0xD800U + ((static_cast<unsigned>(c) - 0x10000) >> 10),
                      0xDC00U + (static_cast<unsigned>(c) & 0x3FFU));
    i += std::max<std::size_t>(n, 1);
  }
  return out;
}

}  // namespace rollcall::store::inline bytes
