// Boost.JSON, and halves of surrogate pairs on the way in and out.
#include "net/wire/json_text.h"

#include "store/bytes/utf8.h"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace rollcall::net::inline wire {
namespace {

namespace json = boost::json;

std::optional<json::value> parsed(std::string_view text, bool any_bytes) {
  json::parse_options options;
  options.max_depth = 32;
  options.allow_invalid_utf8 = any_bytes;
  boost::system::error_code ec;
  json::value out = json::parse(text, ec, {}, options);
  if (ec) return std::nullopt;
  return out;
}

/// The UTF-16 unit that an escape at the beginning of the text stands for; 0 where there is none.
unsigned unit_at(std::string_view text) {
  unsigned unit = 0;
  if (text.size() < 6 || !text.starts_with("\\u")) return 0;
  const auto [end, ec] = std::from_chars(text.data() + 2, text.data() + 6, unit, 16);
  return ec == std::errc() && end == text.data() + 6 ? unit : 0;
}
bool leads(unsigned unit) { return unit >= 0xD800 && unit < 0xDC00; }
bool trails(unsigned unit) { return unit >= 0xDC00 && unit < 0xE000; }

/// Every escape of half a pair as three bytes.
std::string with_halves_as_bytes(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    std::size_t taken = text.front() == '\\' ? std::min<std::size_t>(2, text.size()) : 1;
    const unsigned unit = unit_at(text);
    const bool pair = leads(unit) && trails(unit_at(text.substr(6)));
    if (pair) taken = 12;
    if (!pair && (leads(unit) || trails(unit))) {
      out += '\xED';
      out += static_cast<char>(0x80 | ((unit >> 6) & 0x3F));
      out += static_cast<char>(0x80 | (unit & 0x3F));
      taken = 6;
    } else {
      out += text.substr(0, taken);
    }
    text.remove_prefix(taken);
  }
  return out;
}

/// Whether half a pair stands at `i`; no valid UTF-8 has an ED before a byte of A0 or more.
bool half_at(std::string_view text, std::size_t i) {
  return text[i] == '\xED' && i + 2 < text.size() &&
         static_cast<unsigned char>(text[i + 1]) >= 0xA0;
}

void append_half(std::string& out, std::string_view text, std::size_t i) {
  const unsigned unit = 0xD000U | ((static_cast<unsigned>(text[i + 1]) & 0x3F) << 6) |
                        (static_cast<unsigned>(text[i + 2]) & 0x3F);
  fmt::format_to(std::back_inserter(out), "\\u{:04x}", unit);
}

}  // namespace

std::optional<json::value> parse_json(std::string_view text) {
  auto out = parsed(text, false);
  if (out) return out;
  if (text.find("\\ud") == std::string_view::npos && text.find("\\uD") == std::string_view::npos)
    return out;
  if (!store::valid_utf8(text)) return out;
  return parsed(with_halves_as_bytes(text), true);
}

store::Result<json::value> read_body(std::string_view text, Halves halves) {
  auto out = halves == Halves::Taken ? parse_json(text) : parsed(text, false);
  if (!out) return store::Error{store::Errc::BadInput, "the body is not JSON"};
  if (const auto twice = key_twice(text))
    return store::Error{store::Errc::BadInput, twice_text(*twice, "the body")};
  return std::move(*out);
}

std::string json_string(std::string_view text) {
  std::string out;
  out.reserve(text.size() + text.size() / 8 + 2);
  out += '"';
  const auto is_plain = [](char c) {  // as it is, whatever stands around it
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0x20 && c != '"' && c != '\\' && byte != 0xED;
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::size_t run = i;
    while (run < text.size() && is_plain(text[run])) ++run;
    out.append(text, i, run - i);
    if ((i = run) == text.size()) break;
    const char c = text[i];
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned>(c));
        } else if (half_at(text, i)) {
          append_half(out, text, i);
          i += 2;
        } else {
          out += c;
        }
    }
  }
  out += '"';
  return out;
}

std::string escape_halves(std::string json) {
  if (json.find('\xED') == std::string::npos) return json;
  std::string out;
  out.reserve(json.size());
  for (std::size_t i = 0; i < json.size(); ++i) {
    if (half_at(json, i)) {
      append_half(out, json, i);
      i += 2;
    } else {
      out += json[i];
    }
  }
  return out;
}

}  // namespace rollcall::net::inline wire
