// What a request says beside its body: the values in its path and in its query.
#pragma once

#include "net/wire/http_message.h"

#include <boost/json/object.hpp>

#include <optional>
#include <string_view>
#include <vector>

namespace rollcall::net::inline v1 {

/// The values of {name} if the path fits the pattern.
[[nodiscard]] std::optional<boost::json::object> path_values(std::string_view pattern,
                                                             std::string_view path);
/// Whether the pattern has such a {name}.
[[nodiscard]] bool is_in_path(std::string_view pattern, std::string_view name);

/// What any request may have in its query: whose it is, and its signature.
[[nodiscard]] bool is_of_every_request(std::string_view name);

struct QueryName {
  std::string_view name;
  bool many = false;  ///< may stand there more than once
};
/// A parameter that nothing would heed is a mistake, and so is one of two values.
[[nodiscard]] std::optional<HttpReply> query_problem(const HttpRequest& request,
                                                     const std::vector<QueryName>& known);
/// Adds the query's parameters, lists where there may be many. Check it with query_problem() first.
void add_query(const HttpRequest& request, const std::vector<QueryName>& known,
               boost::json::object& into);

}  // namespace rollcall::net::inline v1
