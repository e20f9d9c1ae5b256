// Where a replay stops by itself: user=NAME, kind=K, from=S, to=S, seq=N, joined by commas.
#pragma once

#include "replay/question/replay.h"

#include <string>
#include <vector>

namespace rollcall::cli {

/// All of its conditions hold; a replay stops where any of its breaks does.
struct Break {
  std::vector<std::pair<std::string, std::string>> conditions;
  [[nodiscard]] bool holds(const replay::ReplayQuestion::Row& row) const;
};

/// A comma in a value is \\,. A usage_error says what is wrong.
[[nodiscard]] Break parse_break(const std::string& text);

}  // namespace rollcall::cli
