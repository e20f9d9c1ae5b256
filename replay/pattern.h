// Regular expressions over the texts of events: what audit's -g takes.
//
// Why this file exists: a pattern comes from whoever asks, over the network too, and a text from
// anybody. RE2 searches a text of any length in linear time and bounded memory and does not
// recurse, which std::regex cannot promise. The command line and the server check a pattern here,
// with the same words.
#pragma once

#include "store/bytes/errc.h"

#include <memory>
#include <string_view>

namespace re2 {
class RE2;
}

namespace rollcall::replay {

using store::Result;

/// Bytes. A pattern travels as one word of a question, which net/question bounds a little higher.
inline constexpr std::size_t kPatternMax = 4000;

class Pattern {
 public:
  /// RE2's syntax, in UTF-8. The error (Errc::BadInput) says in one sentence what is wrong and at
  /// which character; a lookaround or a backreference is called what it is.
  static Result<Pattern> compile(std::string_view text);
  Pattern(Pattern&&) noexcept;
  Pattern& operator=(Pattern&&) noexcept;
  ~Pattern();

  /// Whether the pattern matches anywhere in `text`. Time is linear in the text's length.
  [[nodiscard]] bool found_in(std::string_view text) const;

 private:
  explicit Pattern(std::unique_ptr<re2::RE2> compiled);
  std::unique_ptr<re2::RE2> compiled_;
};

}  // namespace rollcall::replay
