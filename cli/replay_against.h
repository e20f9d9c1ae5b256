// replay --against: this history beside another log, and where they part.
#pragma once

#include "cli/context.h"

#include <string>

namespace rollcall::cli {

/// `other`: a store's folder, or a server's address. The exit code: 22 if they part.
int replay_against(const Context& context, const std::string& other);

}  // namespace rollcall::cli
