// Signatures with an app's secret: channel subscriptions, sign-in, HTTP requests, webhooks.
//
// Why this file exists: HMAC-SHA256 with the secret's raw bytes, lower-case hex, as Pusher's server
// libraries make them; every comparison takes the same time whatever differs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rollcall::net {

[[nodiscard]] std::string hmac_hex(std::string_view secret, std::string_view text);
[[nodiscard]] std::string md5_hex(std::string_view text);

/// `key:hex` as an app's back end signs it; false for another key as well.
[[nodiscard]] bool verify_auth(std::string_view auth, std::string_view key, std::string_view secret,
                               std::string_view signed_text);
/// socket_id:channel, with :channel_data for presence.
[[nodiscard]] std::string channel_string(std::string_view socket_id, std::string_view channel,
                                         std::optional<std::string_view> channel_data);
[[nodiscard]] std::string user_string(std::string_view socket_id, std::string_view user_data);

/// Percent-decoded; nothing where an escape is broken. `plus`: whether + is a space.
enum class Plus { Literal, Space };
[[nodiscard]] std::optional<std::string> percent_decode(std::string_view text,
                                                        Plus plus = Plus::Literal);
/// Everything but RFC 3986's unreserved characters as %XX.
[[nodiscard]] std::string percent_encode(std::string_view text);
/// Parameters of a query in order, decoded. Nothing where an escape is broken.
using Query = std::vector<std::pair<std::string, std::string>>;
[[nodiscard]] std::optional<Query> parse_query(std::string_view query);
/// The last value under the key.
[[nodiscard]] const std::string* find(const Query& query, std::string_view key);

/// A request to the HTTP API, as it came.
struct SignedRequest {
  std::string_view method;
  std::string_view path;  ///< as in the request line, without the query and any path prefix
  std::string_view query;
  std::string_view body;
};
/// Nothing where it is signed by this key and secret at about `now` (seconds); else why not.
[[nodiscard]] std::optional<std::string> signature_fault(const SignedRequest& request,
                                                         std::string_view key,
                                                         std::string_view secret, std::int64_t now);

}  // namespace rollcall::net
