// Percent-decoded values by name.
#include "net/v1/request_values.h"

#include "net/wire/pusher_signature.h"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace rollcall::net::inline v1 {

namespace json = boost::json;

std::optional<json::object> path_values(std::string_view pattern, std::string_view path) {
  json::object out;
  while (true) {
    const std::size_t a = std::min(pattern.find('/', 1), pattern.size());
    const std::size_t b = std::min(path.find('/', 1), path.size());
    const std::string_view want = pattern.substr(0, a), have = path.substr(0, b);
    if (want.starts_with("/{")) {
      const auto value = percent_decode(have.substr(std::min<std::size_t>(1, have.size())));
      if (!value || value->empty()) return std::nullopt;
      out[want.substr(2, want.size() - 3)] = *value;
    } else if (want != have) {
      return std::nullopt;
    }
    pattern.remove_prefix(a);
    path.remove_prefix(b);
    if (pattern.empty() || path.empty())
      return pattern.empty() && path.empty() ? std::optional<json::object>(out) : std::nullopt;
  }
}

bool is_in_path(std::string_view pattern, std::string_view name) {
  return pattern.find(fmt::format("{{{}}}", name)) != std::string_view::npos;
}

bool is_of_every_request(std::string_view name) {
  return name == "app" || name == "auth_key" || name == "auth_timestamp" ||
         name == "auth_version" || name == "auth_signature" || name == "body_md5";
}

std::optional<HttpReply> query_problem(const HttpRequest& request,
                                       const std::vector<QueryName>& known) {
  const auto query = parse_query(request.query);
  if (!query) return problem(400, "the query has a broken percent escape");
  std::set<std::string_view> seen;
  for (const auto& [name, value] : *query) {
    const auto found = std::find_if(
        known.begin(), known.end(),
        [&, wanted = std::string_view(name)](const QueryName& k) { return k.name == wanted; });
    const bool fits = is_of_every_request(name) || found != known.end();
    const std::string_view shown = std::string_view(name).substr(0, 64);
    if (!fits && known.empty())
      return problem(422, fmt::format("there is no parameter '{}': there are none here", shown));
    if (!fits) {
      std::string names;
      for (const QueryName& k : known)
        names += fmt::format("{}{}", names.empty() ? "" : ", ", k.name);
      return problem(422, fmt::format("there is no parameter '{}': there are {}", shown, names));
    }
    const bool many = found != known.end() && found->many;
    if (!many && !seen.insert(name).second)
      return problem(422, fmt::format("the parameter '{}' is given twice", shown));
  }
  return std::nullopt;
}

void add_query(const HttpRequest& request, const std::vector<QueryName>& known,
               json::object& into) {
  for (const auto& [name, value] : parse_query(request.query).value_or(Query{})) {
    if (is_of_every_request(name)) continue;
    const bool many = std::any_of(known.begin(), known.end(),
                                  [&, wanted = std::string_view(name)](const QueryName& k) {
                                    return k.many && k.name == wanted;
                                  });
    if (!many) {
      into[name] = value;
      continue;
    }
    auto& list = into[name];
    if (!list.is_array()) list = json::array{};
    list.get_array().emplace_back(value);
  }
}

}  // namespace rollcall::net::inline v1
