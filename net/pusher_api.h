// The Pusher HTTP API: publishing, and questions about channels (Pusher Channels, protocol 7).
#pragma once

#include "net/app.h"
#include "net/exchange.h"

namespace rollcall::net {

/// `rest`: what follows /apps/<id> in the path, e.g. /events. Checks the signature first.
[[nodiscard]] HttpReply pusher_api(App& app, const HttpRequest& request, std::string_view rest,
                                   std::int64_t now_s);

}  // namespace rollcall::net
