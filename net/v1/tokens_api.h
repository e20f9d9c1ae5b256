// The endpoints for bearer tokens, and for the witnesses of an app's log.
#pragma once

#include "net/access/tokens.h"
#include "net/v1/endpoints.h"

namespace rollcall::net::inline v1 {

/// Unix seconds of a moment; an error if it is no time, or is past.
[[nodiscard]] store::Result<std::int64_t> expiry_to_come(const std::string& text);

struct TokenRow {
  std::string name, app;
  std::vector<std::string> scopes;
  std::optional<std::string> expires;  ///< RFC 3339; none: never
};
BOOST_DESCRIBE_STRUCT(TokenRow, (), (name, app, scopes, expires))
[[nodiscard]] TokenRow token_row(const Token& token);

struct TokensResponse {
  std::vector<TokenRow> tokens;
};
BOOST_DESCRIBE_STRUCT(TokensResponse, (), (tokens))

struct TokenRequest {
  std::string name;
  std::vector<std::string> scopes;
  std::optional<std::string> expires;  ///< a moment
};
BOOST_DESCRIBE_STRUCT(TokenRequest, (), (name, scopes, expires))

struct TokenMade {
  std::string token;  ///< shown this once
};
BOOST_DESCRIBE_STRUCT(TokenMade, (), (token))

struct TokenNamed {
  std::string name;
};
BOOST_DESCRIBE_STRUCT(TokenNamed, (), (name))

struct WatchRequest {
  std::string user;
  std::optional<std::string> expires;  ///< a moment; in 30 days if none is given
};
BOOST_DESCRIBE_STRUCT(WatchRequest, (), (user, expires))

struct WitnessRequest {
  std::string name, key, url;
  std::optional<std::string> quorum;  ///< any, all (as if none is given), or a number
};
BOOST_DESCRIBE_STRUCT(WitnessRequest, (), (name, key, url, quorum))

struct PolicyText {
  std::string policy;  ///< C2SP policy
};
BOOST_DESCRIBE_STRUCT(PolicyText, (), (policy))

struct TokensEndpoint {
  static constexpr Attributes kRoute{"GET", "/v1/tokens", "admin",
                                     "Names and scopes; the tokens themselves are not kept"};
  using Request = Empty;
  using Response = TokensResponse;
  static Answer<Response> run(Call call, Request request);
};
struct TokenCreateEndpoint {
  static constexpr Attributes kRoute{"POST", "/v1/tokens", "admin", "Make a token of this app"};
  using Request = TokenRequest;
  using Response = TokenMade;
  static Answer<Response> run(Call call, Request request);
};
struct TokenRevokeEndpoint {
  static constexpr Attributes kRoute{"POST", "/v1/tokens/revoke", "admin",
                                     "It opens nothing any more, at once"};
  using Request = TokenNamed;
  using Response = TokenNamed;
  static Answer<Response> run(Call call, Request request);
};
struct WatchTokenEndpoint {
  static constexpr Attributes kRoute{"POST", "/v1/tokens/watch", "admin",
                                     "Lets any page show one person's presence"};
  using Request = WatchRequest;
  using Response = TokenMade;
  static Answer<Response> run(Call call, Request request);
};
/// A witness is called from the server's own place in the network.
struct WitnessAddEndpoint {
  static constexpr Attributes kRoute{"POST", "/v1/witnesses", "server:admin",
                                     "Put a witness into the log's policy"};
  using Request = WitnessRequest;
  using Response = PolicyText;
  static Answer<Response> run(Call call, Request request);
};

using TokenEndpoints =
    boost::mp11::mp_list<TokensEndpoint, TokenCreateEndpoint, TokenRevokeEndpoint,
                         WatchTokenEndpoint, WitnessAddEndpoint>;

}  // namespace rollcall::net::inline v1
