// The link that signs a user in to the page: `token link` prints it, and so does a first start.
#pragma once

#include "cli/command.h"

#include <cstdint>
#include <string>

namespace rollcall::cli {

/// Makes a token with the scope admin until `expires` (unix seconds; 0: for ever). It follows the
/// #, which a browser sends to nobody.
[[nodiscard]] std::string sign_in_link(const Context& context, std::string base,
                                       std::int64_t expires);

}  // namespace rollcall::cli
