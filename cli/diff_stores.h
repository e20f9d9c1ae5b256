// diff STORE STORE: where two stores part, and who is in another state at their ends.
#pragma once

#include "cli/context.h"

#include <cstdint>
#include <optional>
#include <string>

namespace rollcall::cli {

/// The exit code: 22 if they part at an event that both have. `most`: users listed.
int diff_stores(const Context& context, const std::string& a, const std::string& b,
                std::optional<std::uint64_t> most);

}  // namespace rollcall::cli
