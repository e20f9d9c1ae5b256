// Whether a store's folder is being served, and by the socket in it how to reach that server.
//
// Why this file exists: the one writer of a served store is its server. A command on the folder
// asks it, as it would over --url, but without a token: whoever may open the store's files may.
#pragma once

#include "cli/context.h"

#include <optional>
#include <string>

namespace rollcall::cli {

/// What stands for --url (net/loop/http.h) where a server has the context's store open and answers
/// on DIR/socket; nothing where nobody does. Throws Failure where there is one that lets only
/// another user of the system in.
[[nodiscard]] std::optional<std::string> served_url(const Context& context);

/// From here on it is as if --url had named the server of the store, if it has one and no --url was
/// given.
void go_where_served(Context& context);

}  // namespace rollcall::cli
