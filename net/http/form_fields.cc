// Other types of body have no fields; a field twice in a form is a mistake, as it is in JSON.
#include "net/http/form_fields.h"

#include "net/wire/json_text.h"
#include "net/wire/pusher_signature.h"

#include <fmt/format.h>

namespace rollcall::net::inline http {

store::Result<Fields> form_fields(const HttpRequest& request) {
  Fields out;
  if (request.header("content-type").starts_with("application/json")) {
    if (request.body.empty()) return out;
    const auto body = read_body(request.body, Halves::Refused);
    if (!body) return body.error();
    if (!body->is_object())
      return store::Error{store::Errc::BadInput, "the body is not a JSON object"};
    for (const auto& field : body->get_object())
      if (field.value().is_string())
        out[std::string(field.key())] = std::string(field.value().get_string());
  } else if (const auto form = parse_query(request.body)) {
    for (const auto& [key, value] : *form)
      if (!out.emplace(key, value).second)
        return store::Error{store::Errc::BadInput,
                            fmt::format("the field '{}' is given twice", key.substr(0, 64))};
  }
  return out;
}

}  // namespace rollcall::net::inline http
