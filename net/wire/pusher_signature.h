// Signatures with an app's secret: channel subscriptions, sign-in, HTTP requests, webhooks.
//
// Why this file exists: HMAC-SHA256 with the secret's raw bytes, lower-case hex, as Pusher's server
// libraries make them; every comparison takes the same time whatever differs.
#pragma once

#include "store/bytes/errc.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rollcall::net::inline wire {

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

/// What a signed query says: names in lower case, each once, the values of a PHP array
/// (name[]=a&name[]=b, name[0]=a&name[1]=b) joined by commas.
using Parameters = std::map<std::string, std::string, std::less<>>;
[[nodiscard]] const std::string* find(const Parameters& parameters, std::string_view name);
/// An error where a name occurs twice, where the parameters of the signature itself are arrays, or
/// where the text that is signed could be read as other parameters than these.
[[nodiscard]] store::Result<Parameters> canonical(const Query& query);
/// The text that is signed says these parameters and no others: nothing in it is escaped.
[[nodiscard]] std::string signed_text(std::string_view method, std::string_view path,
                                      const Parameters& parameters);

/// A request to the HTTP API, as it came.
struct SignedRequest {
  std::string_view method;
  std::string_view path;  ///< as in the request line, without the query and any path prefix
  std::string_view query;
  std::string_view body;
};
/// The parameters that were signed, where this key and secret signed the request at about `now`
/// (seconds); else why not. What the request asks is to be read from these alone: its query may be
/// written so that another reading of it finds other values.
[[nodiscard]] store::Result<Parameters> signed_parameters(const SignedRequest& request,
                                                          std::string_view key,
                                                          std::string_view secret,
                                                          std::int64_t now);

}  // namespace rollcall::net::inline wire
