// What a request's head says of itself: RFC 9112's rules for Host, Content-Length,
// Transfer-Encoding and the request target, where the library that reads it is more generous than
// the RFC.
//
// Why this file exists: a proxy and this server must agree where a request ends and whom it is for.
// Where two readings are possible, one of them is an attack, so the request is refused.
#pragma once

#include "net/wire/http_message.h"

#include <optional>
#include <string>
#include <string_view>

namespace rollcall::net::inline wire {

/// A library's header fields as HttpRequest has them: names in lower case.
template <class Fields>
[[nodiscard]] std::vector<std::pair<std::string, std::string>> plain_fields(const Fields& fields) {
  std::vector<std::pair<std::string, std::string>> out;
  for (const auto& field : fields) {
    std::string name(field.name_string());
    for (char& c : name)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
    out.emplace_back(std::move(name), std::string(field.value()));
  }
  return out;
}

/// Why the head is refused, with 400; nothing where it is sound. `version`: 10 or 11.
[[nodiscard]] std::optional<std::string> head_fault(const HttpRequest& request, unsigned version);

/// A request line's target, taken apart.
struct RequestTarget {
  std::string path, query;
  std::string authority;  ///< of an absolute form (`GET http://host/up`); it goes before Host
};
[[nodiscard]] RequestTarget read_target(std::string_view target);

/// Whether `path` is under the prefix, as a whole segment; the rest of it then ("/" at least).
[[nodiscard]] std::optional<std::string_view> below_prefix(std::string_view path,
                                                           std::string_view prefix);
/// A prefix as a person writes it ("sockets/", "/sockets//") as it is compared: "/sockets", or
/// empty. Nothing where it can be no path: a query, a fragment, spaces.
[[nodiscard]] std::optional<std::string> normal_prefix(std::string_view text);

enum class Expectation { None, Continue, Unknown };  ///< RFC 9110 section 10.1.1
[[nodiscard]] Expectation expectation_of(const HttpRequest& request, unsigned version);

/// RFC 9110 section 5.6.7, for Date.
[[nodiscard]] std::string http_date(std::int64_t unix_seconds);
/// Of now; made once a second and thread.
[[nodiscard]] const std::string& date_now();

}  // namespace rollcall::net::inline wire
