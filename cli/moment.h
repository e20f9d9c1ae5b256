// Two moments of a command line that belong together.
#pragma once

#include <optional>
#include <string>

namespace rollcall::cli {

/// The two moments of --since and --until; a usage error if the end is before the beginning.
void check_range(const std::optional<std::string>& since, const std::optional<std::string>& until);

}  // namespace rollcall::cli
