// One request over a UNIX socket, for net/loop/http.h.
//
// Why this file exists: a command asks the server of its own store so; loading libcurl for it would
// cost most of what such a question costs.
#pragma once

#include "net/loop/http.h"

namespace rollcall::net::inline loop {

/// As post() and get() or, where there is a `piece`, as post_streaming() and get_streaming(), of a
/// URL for which is_local_url() holds.
[[nodiscard]] store::Result<Reply> request_local(
    bool posts, const std::string& url, const std::string& body, const Headers& headers,
    const std::function<bool(std::string_view piece)>* piece, const std::stop_token& cancel);

}  // namespace rollcall::net::inline loop
