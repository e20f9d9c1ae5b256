// Compiling with RE2, and saying where a pattern is wrong.
#include "replay/pattern.h"

#include "store/bytes/printable.h"
#include "store/bytes/utf8.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>
#include <string>

namespace rollcall::replay {
namespace {

using re2::RE2;
using store::Errc;
using store::Error;

/// Bytes that one pattern may take: its program, and the states a search remembers. A search that
/// needs more forgets some and takes longer, still in linear time.
constexpr std::int64_t kMemoryMax = std::int64_t{8} << 20;

RE2::Options options(std::int64_t memory) {
  RE2::Options out;
  out.set_log_errors(false);  // RE2 would write them to stderr
  out.set_never_capture(true);
  out.set_max_mem(memory);
  return out;
}

/// Where the offending part of a pattern begins, in bytes. RE2 says what the part is but not where
/// it stands. It reads from left to right, so the shortest beginning with the same error ends just
/// behind the part.
std::size_t place_of_fault(std::string_view text, const RE2& faulty) {
  const bool names_all = faulty.error_arg() == text;  // as for ")"
  const auto fails_alike = [&](std::size_t size) {
    constexpr std::int64_t kParsedOnly = 1 << 16;
    const RE2 part({text.data(), size}, options(kParsedOnly));
    return part.error_code() == faulty.error_code() &&
           (names_all || part.error_arg() == faulty.error_arg());
  };
  std::size_t good = 0, bad = text.size();
  while (good + 1 < bad) {
    const std::size_t middle = (good + bad) / 2;
    (fails_alike(middle) ? bad : good) = middle;
  }
  if (names_all) return bad - 1;
  const std::size_t at = text.substr(0, bad).rfind(faulty.error_arg());
  return at == std::string_view::npos ? bad - 1 : at;
}

/// 1 for the first character.
std::size_t character_at(std::string_view text, std::size_t byte) {
  return 1 + static_cast<std::size_t>(std::count_if(
                 text.begin(), text.begin() + static_cast<std::ptrdiff_t>(byte),
                 [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

/// What patterns of other programs have and RE2's have not; empty if the part is none of these.
std::string_view not_in_re2(std::string_view part) {
  if (part.starts_with("(?=") || part.starts_with("(?!")) return "a lookahead";
  if (part.starts_with("(?<=") || part.starts_with("(?<!")) return "a lookbehind";
  if (part.starts_with("(?P=")) return "a backreference";
  if (part.size() > 1 && part[0] == '\\' && ((part[1] >= '1' && part[1] <= '9') || part[1] == 'k'))
    return "a backreference";
  if (part.starts_with("(?>")) return "an atomic group";
  return {};
}

/// How RE2 writes it instead; empty if nothing is known.
std::string_view advice(std::string_view part) {
  if (part.starts_with("(?<")) return "; a group is named (?P<name>…)";
  if (part.starts_with("\\u") || part.starts_with("\\c") || part.starts_with("\\U"))
    return "; a character is written \\x{00E9}";
  return {};
}

/// The beginning of a text, for an error: whole characters, escaped.
std::string beginning(std::string_view text) {
  constexpr std::size_t kShown = 60;
  std::size_t shown = std::min(text.size(), kShown);
  while (shown < text.size() && (static_cast<unsigned char>(text[shown]) & 0xC0U) == 0x80U) --shown;
  return store::printable(text.substr(0, shown)) + (shown < text.size() ? "…" : "");
}

std::string fault(std::string_view text, const RE2& faulty) {
  const std::string quoted = "'" + beginning(text) + "'";
  const std::string what = beginning(faulty.error());  // RE2 repeats the offending part
  switch (faulty.error_code()) {
    case RE2::ErrorPatternTooLarge:
      return fmt::format(
          "{} needs more than {} MB of memory as a regular expression: repeat less often than "
          "its {{…}} say",
          quoted, kMemoryMax >> 20);
    case RE2::ErrorMissingParen:
      return fmt::format("{} is not a regular expression: a ) is missing at its end", quoted);
    case RE2::ErrorTrailingBackslash:
      return fmt::format("{} is not a regular expression: nothing follows the \\ at its end",
                         quoted);
    default:
      break;
  }
  const std::size_t byte = place_of_fault(text, faulty);
  const std::size_t at = character_at(text, byte);
  const std::string_view part = text.substr(byte);
  if (const std::string_view missing = not_in_re2(part); !missing.empty())
    return fmt::format(
        "{} has {} at character {}: regular expressions here are RE2's, which has no lookahead, "
        "lookbehind, backreference or atomic group",
        quoted, missing, at);
  if (faulty.error_code() == RE2::ErrorUnexpectedParen)
    return fmt::format("{} is not a regular expression: unexpected ) at character {}", quoted, at);
  return fmt::format("{} is not a regular expression: {} at character {}{}", quoted, what, at,
                     advice(part));
}

}  // namespace

Pattern::Pattern(std::unique_ptr<RE2> compiled) : compiled_(std::move(compiled)) {}
Pattern::Pattern(Pattern&&) noexcept = default;
Pattern& Pattern::operator=(Pattern&&) noexcept = default;
Pattern::~Pattern() = default;

Result<Pattern> Pattern::compile(std::string_view text) {
  if (text.size() > kPatternMax)
    return Error{Errc::BadInput, fmt::format("a regular expression has at most {} bytes, not {}",
                                             kPatternMax, text.size())};
  if (!store::valid_utf8(text) || text.find('\0') != std::string_view::npos)
    return Error{Errc::BadInput, "a regular expression is UTF-8 without NUL bytes"};
  auto compiled =
      std::make_unique<RE2>(re2::StringPiece(text.data(), text.size()), options(kMemoryMax));
  if (!compiled->ok()) return Error{Errc::BadInput, fault(text, *compiled)};
  return Pattern(std::move(compiled));
}

bool Pattern::found_in(std::string_view text) const {
  const re2::StringPiece searched(text.data(), text.size());
  return compiled_->Match(searched, 0, searched.size(), RE2::UNANCHORED, nullptr, 0);
}

}  // namespace rollcall::replay
