// An endpoint is a type whose attributes stand beside it; everything else is made from that.
//
// Why this file exists: method, path, scope, summary, request and response types are said once. The
// router, the checks, the JSON conversion, the error sentences and /openapi.json come from them.
// Adding an endpoint is adding a type to the list in endpoints.h:
//
//   struct Login {
//     static constexpr Attributes kRoute{"POST", "/v1/login", "events:write", "A user comes in"};
//     using Request = LoginRequest;    // described by Boost.Describe
//     using Response = Written;
//     static boost::asio::awaitable<store::Result<Response>> run(Call& call, Request request);
//   };
#pragma once

#include "replay/question/described.h"

#include <boost/asio/awaitable.hpp>

#include <string_view>

namespace rollcall::net::inline v1 {

struct Attributes {
  std::string_view method, path, scope, summary;
  unsigned per_minute = 0;  ///< requests a caller may make a minute; 0: no limit of its own
};

namespace describe = boost::describe;
namespace json = boost::json;
using replay::is_list;
using replay::is_optional;
using replay::Members;
using replay::read_value;
using replay::schema_of;
using replay::write_value;

}  // namespace rollcall::net::inline v1
