// One pass over the text, without making values of it.
#include "store/bytes/json_keys.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <deque>
#include <vector>

namespace rollcall::store::inline bytes {
namespace {

/// The UTF-16 unit of the four digits; nothing where they are none.
std::optional<std::uint32_t> unit_of(std::string_view digits) {
  std::uint32_t unit = 0;
  if (digits.size() < 4) return std::nullopt;
  const auto [end, ec] = std::from_chars(digits.data(), digits.data() + 4, unit, 16);
  if (ec != std::errc() || end != digits.data() + 4) return std::nullopt;
  return unit;
}

void append_utf8(std::string& out, std::uint32_t c) {
  const auto tail = [&](int shift) { out += static_cast<char>(0x80U | ((c >> shift) & 0x3FU)); };
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += static_cast<char>(0xC0U | (c >> 6));
    tail(0);
  } else if (c < 0x10000) {  // half a surrogate pair, too (WTF-8)
    out += static_cast<char>(0xE0U | (c >> 12));
    tail(6), tail(0);
  } else {
    out += static_cast<char>(0xF0U | (c >> 18));
    tail(12), tail(6), tail(0);
  }
}

/// A string's text with its escapes (RFC 8259 section 7) as what they stand for; what is no escape
/// stays.
std::string plain_text(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t run = std::min(text.find('\\'), text.size());
    out += text.substr(0, run);
    text.remove_prefix(run);
    if (text.size() < 2) break;
    constexpr std::string_view kShort = "bfnrt", kStandsFor = "\b\f\n\r\t";
    const auto unit = text[1] == 'u' ? unit_of(text.substr(2)) : std::nullopt;
    if (unit) {
      text.remove_prefix(6);
      std::uint32_t next = 0;
      if (text.starts_with("\\u")) next = unit_of(text.substr(2)).value_or(0);
      const bool pair = *unit >= 0xD800 && *unit < 0xDC00 && next >= 0xDC00 && next < 0xE000;
      append_utf8(out, pair ? 0x10000 + ((*unit - 0xD800) << 10) + (next - 0xDC00) : *unit);
      if (pair) text.remove_prefix(6);
      continue;
    }
    const auto which = kShort.find(text[1]);
    out += which == std::string_view::npos ? text[1] : kStandsFor[which];
    text.remove_prefix(2);
  }
  return out + std::string(text);
}

}  // namespace

std::optional<std::string> key_twice(std::string_view text, std::size_t levels) {
  std::vector<std::vector<std::string_view>> open;  // the keys of each object, nothing of each list
  std::deque<std::string> plain_keys;               // of those that were written with escapes
  std::string_view last;  // the string that stands before a colon is a key
  for (std::size_t i = 0; i < text.size(); ++i) {
    switch (text[i]) {
      case '"': {
        const std::size_t begin = ++i;
        // Most strings hold no escape: their end is looked for in one sweep.
        const std::size_t quote = std::min(text.find('"', i), text.size());
        if (text.substr(i, quote - i).find('\\') == std::string_view::npos)
          i = quote;
        else
          while (i < text.size() && text[i] != '"') i += text[i] == '\\' ? 2 : 1;
        last = text.substr(begin, std::min(i, text.size()) - begin);
        break;
      }
      case ':': {
        if (open.empty() || open.size() > levels) break;
        const bool escaped = last.find('\\') != std::string_view::npos;
        open.back().push_back(escaped ? plain_keys.emplace_back(plain_text(last)) : last);
        break;
      }
      case '{':
      case '[':
        open.emplace_back();
        break;
      case '}':
      case ']': {
        if (open.empty()) return std::nullopt;
        auto& keys = open.back();
        std::sort(keys.begin(), keys.end());
        const auto twice = std::adjacent_find(keys.begin(), keys.end());
        if (twice != keys.end()) return std::string(*twice);
        open.pop_back();
        break;
      }
      default:
        break;
    }
  }
  return std::nullopt;
}

std::string twice_text(std::string_view key, std::string_view where) {
  return fmt::format("the key '{}' stands twice in one object of {}: write it once",
                     key.substr(0, 64), where);
}

}  // namespace rollcall::store::inline bytes
