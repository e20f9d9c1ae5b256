// The Pusher HTTP API: publishing, and questions about channels (Pusher Channels, protocol 7).
#pragma once

#include "net/presence/app.h"
#include "net/wire/http_message.h"

namespace rollcall::net::inline pusher {

/// `rest`: what follows /apps/<id> in the path, e.g. /events. Checks the signature first.
[[nodiscard]] HttpReply pusher_api(App& app, const HttpRequest& request, std::string_view rest,
                                   std::int64_t now_s);

}  // namespace rollcall::net::inline pusher
