// Regular expressions of -g: what they find, and what is said of those that are none.
#include "replay/pattern.h"

#include <catch2/catch.hpp>

#include <string>

using namespace rollcall;
using replay::Pattern;

namespace {

bool finds(const char* pattern, std::string_view text) {
  INFO(pattern);
  const auto compiled = Pattern::compile(pattern);
  REQUIRE(compiled.has_value());
  return compiled->found_in(text);
}

std::string fault(std::string_view pattern) {
  const auto compiled = Pattern::compile(pattern);
  REQUIRE_FALSE(compiled.has_value());
  CHECK(compiled.error().code == store::Errc::BadInput);
  return compiled.error().detail;
}

}  // namespace

TEST_CASE("a pattern is found anywhere in a text, character by character of UTF-8",
          "[replay][pattern]") {
  CHECK(finds("[0-9]+ paid", "order 7 paid"));
  CHECK_FALSE(finds("^paid", "order 7 paid"));
  CHECK(finds("(?i)PAID$", "order 7 paid"));
  CHECK(finds("^.$", "\xE6\x97\xA5"));  // 日: one character
  CHECK(finds("\\bpaid\\b", "it was paid."));
  CHECK_FALSE(finds("a.b", "a\nb"));
  CHECK(finds("\\x{65E5}", "\xE6\x97\xA5"));
  CHECK_FALSE(finds("x", ""));
}

TEST_CASE("a text is searched to its end, however long it is", "[replay][pattern]") {
  // std::regex took a stack frame a character, and exponential time for the last pattern.
  std::string text(4 << 20, 'a');
  CHECK_FALSE(finds("needle$", text));
  CHECK(finds("(a+)+$", text));
  text += "needle";
  CHECK(finds("needle$", text));
  CHECK(finds("^(a|aa)*needle$", text));
  text += '!';
  CHECK_FALSE(finds("(a+)+$", text));
  CHECK_FALSE(finds("^(([a-z])+.)+[A-Z]([a-z])+$", text));
}

TEST_CASE("what RE2 lacks is called by its name, with its place", "[replay][pattern]") {
  struct Row {
    const char *pattern, *what;
    int at;
  };
  for (const Row& row : {Row{"(?=a)", "a lookahead", 1}, Row{"x(?!a)", "a lookahead", 2},
                         Row{"b(?<=a)b", "a lookbehind", 2}, Row{"(?<!a)", "a lookbehind", 1},
                         Row{"(a)\\1", "a backreference", 4}, Row{"(?P<n>a)\\k<n>", "a backr", 9},
                         Row{"(?P<n>a)(?P=n)", "a backr", 9}, Row{"(?>a)b", "an atomic group", 1},
                         // What only looks like one is passed over; characters count, not bytes.
                         Row{"[(?=]\xE6\x97\xA5(?=a)", "a lookahead", 7},
                         Row{"\\\\1[\\[](a)\\1", "a backreference", 11}}) {
    INFO(row.pattern);
    CHECK_THAT(fault(row.pattern), Catch::Contains(std::string(" has ") + row.what));
    CHECK_THAT(
        fault(row.pattern),
        Catch::Contains(" at character " + std::to_string(row.at) +
                        ": regular expressions "
                        "here are RE2's, which has no lookahead, lookbehind, backreference"));
  }
}

TEST_CASE("a pattern that is none is told with its place", "[replay][pattern]") {
  CHECK(fault("(") == "'(' is not a regular expression: a ) is missing at its end");
  CHECK(fault("(a)b)c)") == "'(a)b)c)' is not a regular expression: unexpected ) at character 5");
  CHECK(fault("a\\") == "'a\\' is not a regular expression: nothing follows the \\ at its end");
  CHECK(fault("ab[c") == "'ab[c' is not a regular expression: missing ]: [c at character 3");
  CHECK(fault("ab*c**d**") ==
        "'ab*c**d**' is not a regular expression: bad repetition operator: ** at character 5");
  CHECK(fault("*a") ==
        "'*a' is not a regular expression: no argument for repetition operator: * "
        "at character 1");
  CHECK(fault("\xC3\xA9[z-a]") ==
        "'\xC3\xA9[z-a]' is not a regular expression: invalid character "
        "class range: z-a at character 3");
  CHECK(fault("a\\p{L}\\p{Foo}") ==
        "'a\\p{L}\\p{Foo}' is not a regular expression: invalid "
        "character class range: \\p{Foo} at character 7");
  CHECK_THAT(fault("a{1,2}b{1001}"), Catch::EndsWith("{1001} at character 8"));
  CHECK_THAT(fault("a\\u00e9"),
             Catch::EndsWith("at character 2; a character is written \\x{00E9}"));
  CHECK_THAT(fault("(?<n>a)"), Catch::EndsWith("at character 1; a group is named (?P<name>…)"));
  CHECK(fault("\xFF") == "a regular expression is UTF-8 without NUL bytes");
  CHECK(fault(std::string_view("a\0b", 3)) == "a regular expression is UTF-8 without NUL bytes");
  // Nothing of it is obeyed by a terminal, and a long one is not shown whole.
  CHECK(fault("\x1b[2J\xE2\x80\xAE(").find('\x1b') == std::string::npos);
  CHECK(fault(std::string(3000, 'a') + "(").size() < 300);
  CHECK(fault("[" + std::string(3000, 'a')).size() < 300);
}

TEST_CASE("a pattern may take so many bytes, written down and compiled", "[replay][pattern]") {
  CHECK(Pattern::compile(std::string(replay::kPatternMax, 'a')).has_value());
  CHECK_THAT(fault(std::string(replay::kPatternMax + 1, 'a')),
             Catch::Contains("at most 4000 bytes, not 4001"));
  CHECK_THAT(fault("\\w{500}[\\pL]{900}"), Catch::Contains("needs more than 8 MB"));
  CHECK_THAT(fault("(a{1000}){1000}"), Catch::EndsWith("{1000} at character 10"));
}
