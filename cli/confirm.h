// Destructive commands: the plan first, then the person types the subject; --yes for scripts.
#pragma once

#include <string>

namespace rollcall::cli {

/// Asks on the terminal for `subject`, typed out. Without a terminal and without --yes it is
/// refused.
void confirm(const std::string& what, const std::string& subject, bool yes);

}  // namespace rollcall::cli
