// Handing out the page: which file, in which encoding, under which policy.
#pragma once

#include "net/asset.h"
#include "net/exchange.h"

#include <optional>

namespace rollcall::net {

/// The answer where the request is for a file, or for one of the page's views (which are all the
/// same document); nothing otherwise.
[[nodiscard]] std::optional<HttpReply> page_answer(Assets assets, const HttpRequest& request);

}  // namespace rollcall::net
