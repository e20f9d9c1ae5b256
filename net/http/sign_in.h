// Signing in to the page and out of it.
#pragma once

#include "net/http/callers.h"

namespace rollcall::net::inline http {

/// POST /login {token?, user?}: a cookie for the page, of whoever the token is of; with the scope
/// admin, as `user`.
[[nodiscard]] HttpReply sign_in(Callers& callers, App& app, const HttpRequest& request);
/// POST /logout ends it, and every connection of its person.
[[nodiscard]] HttpReply sign_out(Callers& callers, App& app, const HttpRequest& request);

}  // namespace rollcall::net::inline http
