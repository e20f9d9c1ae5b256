// What people's text may do to a terminal or a log line: nothing.
#include "store/bytes/printable.h"

#include "store/bytes/utf8.h"

#include <catch2/catch.hpp>

#include <array>

using namespace rollcall::store;

namespace {

/// Unicode 14: every character of the categories Cc, Cf, Zl and Zp (from its UnicodeData.txt).
constexpr std::array<std::array<char32_t, 2>, 23> kControls{
    {{0x0, 0x1F},        {0x7F, 0x9F},       {0xAD, 0xAD},       {0x600, 0x605},
     {0x61C, 0x61C},     {0x6DD, 0x6DD},     {0x70F, 0x70F},     {0x890, 0x891},
     {0x8E2, 0x8E2},     {0x180E, 0x180E},   {0x200B, 0x200F},   {0x2028, 0x202E},
     {0x2060, 0x2064},   {0x2066, 0x206F},   {0xFEFF, 0xFEFF},   {0xFFF9, 0xFFFB},
     {0x110BD, 0x110BD}, {0x110CD, 0x110CD}, {0x13430, 0x13438}, {0x1BCA0, 0x1BCA3},
     {0x1D173, 0x1D17A}, {0xE0001, 0xE0001}, {0xE0020, 0xE007F}}};

std::string utf8(char32_t c) {
  std::string out;
  const auto tail = [&](int shift) { out += static_cast<char>(0x80 | ((c >> shift) & 0x3F)); };
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += static_cast<char>(0xC0 | (c >> 6));
    tail(0);
  } else if (c < 0x10000) {
    out += static_cast<char>(0xE0 | (c >> 12));
    tail(6);
    tail(0);
  } else {
    out += static_cast<char>(0xF0 | (c >> 18));
    tail(12);
    tail(6);
    tail(0);
  }
  return out;
}

}  // namespace

TEST_CASE("every control and format character of Unicode is escaped, and no letter is",
          "[printable]") {
  std::size_t wrong = 0;
  for (const auto& [first, last] : kControls)
    for (char32_t c = first; c <= last; ++c) {
      const std::string shown = printable("a" + utf8(c) + "b");
      if (shown.front() != 'a' || shown.back() != 'b' || shown[1] != '\\') ++wrong;
      for (const char byte : shown)
        if (static_cast<unsigned char>(byte) >= 0x7F || static_cast<unsigned char>(byte) < 0x20)
          ++wrong;
    }
  CHECK(wrong == 0);
  for (const char* text :
       {"ada", "Jos\xC3\xA9", "\xD7\xA9\xD7\x9C\xD7\x95\xD7\x9D", "\xE5\xA4\xA9\xE6\xB0\x94",
        "\xF0\x9F\x98\x80", "\xC2\xA0", "\xCD\xB8", "e\xCC\x81", "\xEF\xBC\xA1"})
    CHECK(printable(text) == text);
  CHECK(printable("\xD8\x9C") == "\\u061c");
  CHECK(printable("\xE2\x80\xAE") == "\\u202e");
  CHECK(printable("\xF3\xA0\x80\x81") == "\\U000e0001");
  CHECK(printable("a\x1b[2Jb") == "a\\x1b[2Jb");
}

TEST_CASE("bytes that are not UTF-8 are escaped one by one", "[printable]") {
  CHECK(printable("a\x9b"
                  "31mb") == "a\\x9b31mb");
  CHECK(printable("\xC3") == "\\xc3");
  CHECK(printable("\xE2\x80") == "\\xe2\\x80");
  CHECK(printable("\xED\xA0\x80") == "\\xed\\xa0\\x80");  // a surrogate
  CHECK(printable("\xC0\xAF") == "\\xc0\\xaf");           // overlong
}

TEST_CASE("line ends stay where they are kept, and stand alone", "[printable]") {
  CHECK(printable("a\nb") == "a\\x0ab");
  CHECK(printable("a\nb\r\nc\rd", LineEnds::Kept) == "a\nb\r\nc\\x0dd");
}

TEST_CASE("JSON shows everything and means the same", "[printable]") {
  CHECK(printable_json("{\"a\":\"\xE2\x80\xAEx\"}\n") == "{\"a\":\"\\u202ex\"}\n");
  CHECK(printable_json("\"\xF3\xA0\x80\x81\"") == "\"\\udb40\\udc01\"");
  CHECK(printable_json("\"\xC2\x9B\x7F\"") == "\"\\u009b\\u007f\"");
  CHECK(printable_json("[\"Jos\xC3\xA9\"]") == "[\"Jos\xC3\xA9\"]");
}
