// Verification with OpenSSL.
#include "net/wire/jwt.h"

#include "net/wire/json_text.h"
#include "store/bytes/crypto.h"
#include "store/bytes/utf8.h"

#include <boost/json.hpp>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <memory>
#include <sstream>

namespace rollcall::net::inline wire {
namespace {

namespace json = boost::json;

std::optional<json::object> decode(std::string_view part) {
  const auto bytes = store::from_base64url(part);
  if (!bytes) return std::nullopt;
  boost::system::error_code ec;
  json::value value = json::parse(store::as_text(*bytes), ec);
  if (ec || !value.is_object() || key_twice(store::as_text(*bytes))) return std::nullopt;
  return std::move(value.get_object());
}

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

/// The public key, where it is one of that type.
Key read_pem(const std::string& pem, int key_type) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> bio(
      BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), BIO_free);
  Key key(PEM_read_bio_PUBKEY(bio.get(), nullptr, nullptr, nullptr), EVP_PKEY_free);
  if (key && EVP_PKEY_base_id(key.get()) != key_type) key.reset();
  return key;
}

bool verify_pem(const std::string& pem, const EVP_MD* digest, int key_type,
                std::string_view signed_text, const store::Bytes& signature) {
  const Key key = read_pem(pem, key_type);
  if (!key) return false;
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> ctx(EVP_MD_CTX_new(),
                                                                    EVP_MD_CTX_free);
  return EVP_DigestVerifyInit(ctx.get(), nullptr, digest, nullptr, key.get()) == 1 &&
         EVP_DigestVerify(ctx.get(), signature.data(), signature.size(),
                          reinterpret_cast<const unsigned char*>(signed_text.data()),
                          signed_text.size()) == 1;
}

bool verify_signature(const JwtSettings& key, std::string_view signed_text,
                      const store::Bytes& signature) {
  if (key.algorithm == "HS256") {
    const auto expected =
        store::hmac_sha256(store::as_bytes(key.key), {store::as_bytes(signed_text)});
    return store::equal_constant_time(expected, signature);
  }
  if (key.algorithm == "RS256")
    return verify_pem(key.key, EVP_sha256(), EVP_PKEY_RSA, signed_text, signature);
  if (key.algorithm == "EdDSA")
    return verify_pem(key.key, nullptr, EVP_PKEY_ED25519, signed_text, signature);
  return false;
}

std::string text_at(const json::object& object, std::string_view key) {
  const json::value* found = object.if_contains(key);
  return found != nullptr && found->is_string() ? std::string(found->get_string()) : std::string();
}

std::optional<std::int64_t> time_at(const json::object& object, std::string_view key) {
  const json::value* found = object.if_contains(key);
  if (found == nullptr || !found->is_number()) return std::nullopt;
  if (found->is_double())
    return static_cast<std::int64_t>(std::clamp(found->get_double(), -1e15, 1e15));
  boost::system::error_code ec;
  const auto value = found->to_number<std::int64_t>(ec);
  return ec ? std::nullopt : std::optional<std::int64_t>(value);
}

bool has_audience(const json::object& claims, const std::string& audience) {
  const json::value* aud = claims.if_contains("aud");
  if (aud == nullptr) return false;
  if (aud->is_string()) return aud->get_string() == audience;
  if (!aud->is_array()) return false;
  for (const json::value& entry : aud->get_array())
    if (entry.is_string() && entry.get_string() == audience) return true;
  return false;
}

}  // namespace

std::optional<JwtClaims> verify_jwt(std::string_view token, const std::vector<JwtSettings>& keys,
                                    std::int64_t now) {
  const std::size_t first = token.find('.');
  const std::size_t second = token.find('.', first + 1);
  if (first == std::string_view::npos || second == std::string_view::npos || token.size() > 16384 ||
      token.find('.', second + 1) != std::string_view::npos)
    return std::nullopt;
  const auto header = decode(token.substr(0, first));
  const auto claims = decode(token.substr(first + 1, second - first - 1));
  const auto signature = store::from_base64url(token.substr(second + 1));
  if (!header || !claims || !signature || header->contains("crit")) return std::nullopt;
  const std::string algorithm = text_at(*header, "alg");
  for (const JwtSettings& key : keys) {
    if (algorithm != key.algorithm) continue;
    if (!verify_signature(key, token.substr(0, second), *signature)) continue;
    const auto expires = time_at(*claims, "exp");
    const auto not_before = time_at(*claims, "nbf");
    if (!expires || *expires <= now || (not_before && *not_before > now)) return std::nullopt;
    if (!has_audience(*claims, key.audience) || text_at(*claims, "iss") != key.issuer)
      return std::nullopt;
    JwtClaims out;
    out.subject = text_at(*claims, "sub");
    if (!store::check_user_name(out.subject)) return std::nullopt;
    out.expires = *expires;
    std::istringstream words(text_at(*claims, "scope"));
    for (std::string scope; words >> scope;) out.scopes.push_back(scope);
    return out;
  }
  return std::nullopt;
}

std::optional<std::string> jwt_key_fault(const JwtSettings& settings) {
  if (settings.algorithm == "RS256" && !read_pem(settings.key, EVP_PKEY_RSA))
    return "a PEM public key (-----BEGIN PUBLIC KEY-----) of RSA, for RS256";
  if (settings.algorithm == "EdDSA" && !read_pem(settings.key, EVP_PKEY_ED25519))
    return "a PEM public key (-----BEGIN PUBLIC KEY-----) of Ed25519, for EdDSA";
  return std::nullopt;
}

}  // namespace rollcall::net::inline wire
