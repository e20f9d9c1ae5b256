// OpenAPI 3.1; what a request and an answer hold is JSON Schema (replay/question/described.h).
#include "net/http/openapi.h"

#include "net/http/endpoint_routes.h"
#include "net/v1/questions.h"

namespace rollcall::net::inline http {
namespace {

/// What a refusal looks like.
struct ProblemBody {
  std::string title, detail, error;
  std::uint32_t status = 0;
  std::optional<std::string> code;
};
BOOST_DESCRIBE_STRUCT(ProblemBody, (), (title, status, detail, error, code))

json::object content_of(std::string_view type, json::object schema) {
  return json::object{{type, json::object{{"schema", std::move(schema)}}}};
}

json::array parameters_of(std::string_view path, const json::object& request) {
  json::array out;
  for (const auto& property : request.at("properties").as_object()) {
    const bool in_path = is_in_path(path, property.key());
    bool required = in_path;
    if (const json::value* list = request.if_contains("required"))
      for (const auto& name : list->as_array())
        required = required || name == json::value(property.key());
    out.push_back(json::object{{"name", property.key()},
                               {"in", in_path ? "path" : "query"},
                               {"required", required},
                               {"schema", property.value()}});
  }
  return out;
}

json::object operation_of(const EndpointRoute& route) {
  const Attributes& is = route.attributes;
  json::object out{{"summary", is.summary}};
  if (!is.scope.empty())
    out["security"] = json::array{json::object{{"bearer", json::array{is.scope}}}};
  json::object request = route.request_schema();
  if (route.by_query()) {
    out["parameters"] = parameters_of(is.path, request);
  } else {
    out["requestBody"] = json::object{
        {"required", true}, {"content", content_of("application/json", std::move(request))}};
  }
  out["responses"] = json::object{
      {"200", json::object{{"description", "done"},
                           {"content", content_of("application/json", route.response_schema())}}},
      {"default",
       json::object{
           {"description", "RFC 9457 problem details"},
           {"content", content_of("application/problem+json",
                                  json::object{{"$ref", "#/components/schemas/Problem"}})}}}};
  return out;
}

}  // namespace

std::string make_openapi() {
  json::object paths;
  for (const EndpointRoute& route : endpoint_routes()) {
    std::string method(route.attributes.method);
    for (char& c : method) c = static_cast<char>(c + 32);
    auto& item = paths[route.attributes.path];
    if (!item.is_object()) item = json::object{};
    item.as_object()[method] = operation_of(route);
  }
  describe_questions(paths);
  return json::serialize(json::object{
      {"openapi", "3.1.0"},
      {"info", json::object{{"title", "rollcall"}, {"version", "1"}}},
      {"components",
       json::object{
           {"securitySchemes",
            json::object{{"bearer", json::object{{"type", "http"}, {"scheme", "bearer"}}}}},
           {"schemas", json::object{{"Problem", schema_of<ProblemBody>()}}}}},
      {"paths", std::move(paths)}});
}

}  // namespace rollcall::net::inline http
