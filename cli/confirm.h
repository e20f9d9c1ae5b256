// Destructive commands: first the plan, then the user types the subject; --yes for scripts.
#pragma once

#include <string>

namespace rollcall::cli {

/// Asks the user on the terminal to type `subject`. Refused without a terminal and without
/// --yes.
void confirm(const std::string& what, const std::string& subject, bool yes);

}  // namespace rollcall::cli
