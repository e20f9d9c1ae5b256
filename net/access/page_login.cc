// Signed values: base64url(JSON).hex(HMAC), with what it is for under the HMAC.
#include "net/access/page_login.h"

#include "net/wire/pusher_signature.h"
#include "store/bytes/bytes.h"
#include "store/bytes/crypto.h"

#include <boost/json.hpp>

namespace rollcall::net::inline access {
namespace {

namespace json = boost::json;

std::string seal(std::string_view purpose, const json::object& value, std::string_view secret) {
  const std::string text = json::serialize(value);
  const std::string body = store::base64url(store::as_bytes(text));
  return body + "." + hmac_hex(secret, std::string(purpose) + "." + body);
}

std::optional<json::object> open(std::string_view purpose, std::string_view sealed,
                                 std::string_view secret, std::int64_t now) {
  if (sealed.size() > 4096) return std::nullopt;
  const std::size_t dot = sealed.find('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const std::string_view body = sealed.substr(0, dot);
  const std::string expected = hmac_hex(secret, std::string(purpose) + "." + std::string(body));
  if (!store::equal_constant_time(store::as_bytes(expected),
                                  store::as_bytes(sealed.substr(dot + 1))))
    return std::nullopt;
  const auto bytes = store::from_base64url(body);
  if (!bytes) return std::nullopt;
  boost::system::error_code ec;
  const json::value value =
      json::parse({reinterpret_cast<const char*>(bytes->data()), bytes->size()}, ec);
  if (ec || !value.is_object()) return std::nullopt;
  const auto* until = value.get_object().if_contains("until");
  if (until == nullptr || !until->is_int64() || until->get_int64() <= now) return std::nullopt;
  return value.get_object();
}

std::string text_of(const json::object& o, std::string_view key) {
  const auto* value = o.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

}  // namespace

std::string seal_session(const PageSession& session, std::string_view secret) {
  json::array scopes;
  for (const auto& scope : session.scopes) scopes.emplace_back(scope);
  return seal("rollcall/page/v1",
              {{"app", session.app},
               {"name", session.name},
               {"user", session.user},
               {"scopes", std::move(scopes)},
               {"until", session.expires},
               {"sign_in", session.sign_in},
               {"token", session.token},
               {"latest", session.latest}},
              secret);
}

std::optional<PageSession> open_session(std::string_view sealed, std::string_view secret,
                                        std::string_view app, std::int64_t now) {
  const auto value = open("rollcall/page/v1", sealed, secret, now);
  if (!value || text_of(*value, "app") != app) return std::nullopt;
  PageSession out;
  out.app = app;
  out.name = text_of(*value, "name");
  out.user = text_of(*value, "user");
  out.expires = value->at("until").as_int64();
  out.sign_in = text_of(*value, "sign_in");
  out.token = text_of(*value, "token");
  if (const auto* latest = value->if_contains("latest"); latest != nullptr && latest->is_int64())
    out.latest = latest->get_int64();
  if (const auto* scopes = value->if_contains("scopes"); scopes != nullptr && scopes->is_array())
    for (const auto& scope : scopes->get_array())
      if (scope.is_string()) out.scopes.emplace_back(scope.get_string());
  return out;
}

std::string_view cookie_value(std::string_view header, std::string_view name) {
  while (!header.empty()) {
    const std::size_t end = std::min(header.find(';'), header.size());
    std::string_view pair = header.substr(0, end);
    header.remove_prefix(std::min(end + 1, header.size()));
    while (pair.starts_with(' ')) pair.remove_prefix(1);
    if (pair.starts_with(name) && pair.size() > name.size() && pair[name.size()] == '=')
      return pair.substr(name.size() + 1);
  }
  return {};
}

std::string seal_watch(std::string_view user, std::int64_t until, std::string_view secret) {
  return seal("rollcall/watch/v1", {{"user", user}, {"until", until}}, secret);
}

std::optional<WatchToken> open_watch(std::string_view token, std::string_view secret,
                                     std::int64_t now) {
  const auto value = open("rollcall/watch/v1", token, secret, now);
  if (!value) return std::nullopt;
  return WatchToken{text_of(*value, "user"), value->at("until").as_int64()};
}

}  // namespace rollcall::net::inline access
