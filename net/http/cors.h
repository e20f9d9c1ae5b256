// Which sites' pages may call, and what a browser is told of it (the Fetch standard's CORS).
#pragma once

#include "net/hub/settings.h"
#include "net/wire/http_message.h"

#include <optional>

namespace rollcall::net::inline http {

/// Whose answer a page reads: through the browser's CORS, or of a WebSocket, from which browsers
/// keep nobody.
enum class ReadBy : std::uint8_t { Fetch, WebSocket };

/// Headers where the origin is allowed go to `cors`. A problem where a foreign page changes
/// something, or would read what the browser shows it.
[[nodiscard]] std::optional<HttpReply> origin_problem(
    const Settings& settings, const HttpRequest& request, ReadBy by,
    std::vector<std::pair<std::string, std::string>>& cors);

/// What a browser asks beforehand.
[[nodiscard]] HttpReply preflight_answer();

}  // namespace rollcall::net::inline http
