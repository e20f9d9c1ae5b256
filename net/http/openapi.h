// /openapi.json: what there is under /v1, made from the endpoints and the questions themselves.
#pragma once

#include <string>

namespace rollcall::net::inline http {

[[nodiscard]] std::string make_openapi();

}  // namespace rollcall::net::inline http
