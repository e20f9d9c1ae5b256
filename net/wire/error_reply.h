// What a caller is told of an error.
//
// Why this file exists: an error's sentence is written for whoever runs the server and may name its
// folders and what the system said. Over the network it goes to admins; everybody else gets what
// helps to go on, and the log has the rest.
#pragma once

#include "net/wire/http_message.h"
#include "store/bytes/errc.h"

#include <string>
#include <string_view>

namespace rollcall::net::inline wire {

/// The HTTP status for an error.
[[nodiscard]] unsigned status_of(store::Errc code);
/// `folder`: of the app, on this machine. `of_admin`: told everything.
[[nodiscard]] std::string public_detail(const store::Error& error, std::string_view folder,
                                        bool of_admin);
[[nodiscard]] HttpReply error_reply(const store::Error& error, std::string_view folder,
                                    bool of_admin);

}  // namespace rollcall::net::inline wire
