// /broadcasting/auth and its like: signatures for sites without a back end of their own.
#pragma once

#include "net/http/callers.h"

namespace rollcall::net::inline http {

/// What a connection is to be let into: one channel, or signed in as a user.
enum class AuthOf : std::uint8_t { Channel, User };

[[nodiscard]] HttpReply broadcasting_auth(ServerContext& server, const Callers& callers, App& app,
                                          const HttpRequest& request, AuthOf of);

}  // namespace rollcall::net::inline http
