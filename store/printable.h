// Text from outside made safe to look at.
//
// Why this file exists: a name or an agent string may hold what moves a terminal's cursor, turns
// the direction of a line round or is not seen at all, so that an answer, a prompt or a line of the
// server's log says something else than it holds.
#pragma once

#include <string>
#include <string_view>

namespace rollcall::store {

/// Controls (C0, DEL, C1), format characters (Unicode's Cf: bidirectional marks, soft hyphen,
/// tags…) and the separators of lines and paragraphs.
[[nodiscard]] bool hides_itself(char32_t c);

enum class LineEnds { Escaped, Kept };
/// For a terminal or a line of a log: what hides itself is written \x1b, \u202e or \U000e0001, and
/// so is each byte that is not UTF-8.
[[nodiscard]] std::string printable(std::string_view text, LineEnds ends = LineEnds::Escaped);
/// JSON that means the same and shows everything: what hides itself is \u202e.
[[nodiscard]] std::string printable_json(std::string_view json);

}  // namespace rollcall::store
