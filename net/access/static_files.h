// Handing out the page: which file, in which encoding, under which policy.
#pragma once

#include "net/wire/asset.h"
#include "net/wire/http_message.h"

#include <optional>

namespace rollcall::net::inline access {

/// The answer where the request is for a file, or for one of the page's views (which are all the
/// same document); nothing otherwise.
[[nodiscard]] std::optional<HttpReply> page_answer(Assets assets, const HttpRequest& request);

}  // namespace rollcall::net::inline access
