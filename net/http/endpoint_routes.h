// The endpoints as a table: what the router, the checks and /openapi.json need of each.
//
// Why this file exists: endpoints are types (net/v1/endpoint.h), and what is made from a type is
// compiled anew in every file that asks for it. That is this table's implementation alone; whoever
// walks the table is plain code.
#pragma once

#include "net/v1/call.h"
#include "net/v1/request_values.h"

#include <span>

namespace rollcall::net::inline http {

struct EndpointRoute {
  Attributes attributes;
  std::vector<QueryName> in_query;  ///< of a GET
  json::object (*request_schema)();
  json::object (*response_schema)();
  /// `given`: the members of the request, from wherever they came. 422 where they do not fit.
  boost::asio::awaitable<HttpReply> (*run)(Call call, Workers& workers, json::value given);

  [[nodiscard]] bool by_query() const { return attributes.method == "GET"; }
};
[[nodiscard]] std::span<const EndpointRoute> endpoint_routes();

}  // namespace rollcall::net::inline http
