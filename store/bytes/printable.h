// Text from outside, made safe to display.
//
// Why this file exists: a name or an agent string may contain characters that move a terminal's
// cursor, reverse a line's direction or are invisible, so that an answer, a prompt or a line of the
// server's log appears to say something else.
#pragma once

#include <string>
#include <string_view>

namespace rollcall::store::inline bytes {

/// Controls (C0, DEL, C1), format characters (Unicode's Cf: bidirectional marks, soft hyphen,
/// tags…) and the separators of lines and paragraphs.
[[nodiscard]] bool hides_itself(char32_t c);

enum class LineEnds { Escaped, Kept };
/// For a terminal or a line of a log: writes such characters as \x1b, \u202e or \U000e0001, and
/// bytes that are not UTF-8 likewise.
[[nodiscard]] std::string printable(std::string_view text, LineEnds ends = LineEnds::Escaped);
/// JSON with the same meaning in which such characters are visible: \u202e.
[[nodiscard]] std::string printable_json(std::string_view json);

}  // namespace rollcall::store::inline bytes
