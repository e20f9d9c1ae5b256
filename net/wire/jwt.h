// JSON Web Tokens (RFC 7519) of a site's own identity provider.
//
// Why this file exists: a key is configured with its one algorithm, and a token that names another
// is refused before anything else is looked at: an attacker must not choose how he is checked.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rollcall::net::inline wire {

struct JwtSettings {
  std::string algorithm;  ///< HS256, RS256 or EdDSA: no other is accepted with this key
  std::string key;        ///< the secret, or a PEM public key
  std::string audience, issuer;
};

struct JwtClaims {
  std::string subject;
  std::vector<std::string> scopes;  ///< of `scope`, separated by spaces
  std::int64_t expires = 0;         ///< unix seconds
};

/// The claims where a configured key accepts it at `now` (unix seconds): signature, exp, nbf, aud
/// and iss. Nothing otherwise.
[[nodiscard]] std::optional<JwtClaims> verify_jwt(std::string_view token,
                                                  const std::vector<JwtSettings>& keys,
                                                  std::int64_t now);

/// What is wrong with the key for its algorithm ("a PEM public key …"); nothing where it fits.
[[nodiscard]] std::optional<std::string> jwt_key_fault(const JwtSettings& settings);

}  // namespace rollcall::net::inline wire
