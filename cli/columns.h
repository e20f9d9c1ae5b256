// How many columns of a terminal a text takes, and texts filled up to a column.
//
// Why this file exists: a table lines up only if a name in kanji counts two columns a character and
// an accent that is a character of its own counts none, whatever locale the user has set.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace rollcall::cli {

/// By wcwidth(3) in UTF-8. `text` is what printable() gives: valid UTF-8 without control
/// characters; a character that the C library does not know counts one.
[[nodiscard]] std::size_t columns_of(std::string_view text);
/// The text, and blanks up to `columns`.
[[nodiscard]] std::string padded(std::string text, std::size_t columns);

}  // namespace rollcall::cli
