// The fields that a browser's form or a client's JSON object sent, as clients of either kind do.
#pragma once

#include "net/wire/http_message.h"
#include "store/bytes/errc.h"

#include <map>
#include <string>

namespace rollcall::net::inline http {

using Fields = std::map<std::string, std::string>;

/// Of JSON the members that are strings. Errc::BadInput where the body cannot be read.
[[nodiscard]] store::Result<Fields> form_fields(const HttpRequest& request);

}  // namespace rollcall::net::inline http
