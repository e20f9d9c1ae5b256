// Strings to sign, and the order of the checks.
#include "net/signature.h"

#include "store/crypto.h"

#include <boost/url/encode.hpp>
#include <boost/url/rfc/unreserved_chars.hpp>
#include <openssl/evp.h>

#include <algorithm>
#include <charconv>
#include <map>

namespace rollcall::net {
namespace {

constexpr std::int64_t kClockSkewMax = 600;  // seconds; Pusher's HTTP API

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

bool same(std::string_view a, std::string_view b) {
  return store::equal_constant_time(store::as_bytes(a), store::as_bytes(b));
}

}  // namespace

std::string hmac_hex(std::string_view secret, std::string_view text) {
  return store::hex(store::hmac_sha256(store::as_bytes(secret), {store::as_bytes(text)}));
}

std::string md5_hex(std::string_view text) {
  static const EVP_MD* const md5 = EVP_MD_fetch(nullptr, "MD5", nullptr);
  std::array<std::uint8_t, EVP_MAX_MD_SIZE> out{};
  unsigned size = 0;
  if (md5 == nullptr || EVP_Digest(text.data(), text.size(), out.data(), &size, md5, nullptr) != 1)
    return {};
  return store::hex(store::ByteView(out).first(size));
}

bool verify_auth(std::string_view auth, std::string_view key, std::string_view secret,
                 std::string_view signed_text) {
  const std::size_t colon = auth.rfind(':');
  if (colon == std::string_view::npos) return false;
  const bool right_key = same(auth.substr(0, colon), key);
  const bool right_hash = same(auth.substr(colon + 1), hmac_hex(secret, signed_text));
  return right_key && right_hash;
}

std::string channel_string(std::string_view socket_id, std::string_view channel,
                           std::optional<std::string_view> channel_data) {
  std::string out;
  out.append(socket_id).append(":").append(channel);
  if (channel_data) out.append(":").append(*channel_data);
  return out;
}

std::string user_string(std::string_view socket_id, std::string_view user_data) {
  return std::string(socket_id) + "::user::" + std::string(user_data);
}

std::optional<std::string> percent_decode(std::string_view text, Plus plus) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus == Plus::Space) {
      out += ' ';
    } else if (text[i] != '%') {
      out += text[i];
    } else {
      unsigned byte = 0;
      if (i + 2 >= text.size()) return std::nullopt;
      const auto [end, ec] = std::from_chars(text.data() + i + 1, text.data() + i + 3, byte, 16);
      if (ec != std::errc() || end != text.data() + i + 3) return std::nullopt;
      out += static_cast<char>(byte);
      i += 2;
    }
  }
  return out;
}

std::string percent_encode(std::string_view text) {
  return boost::urls::encode(text, boost::urls::unreserved_chars);
}

std::optional<Query> parse_query(std::string_view query) {
  Query out;
  while (!query.empty()) {
    const std::size_t amp = std::min(query.find('&'), query.size());
    const std::string_view part = query.substr(0, amp);
    query.remove_prefix(std::min(amp + 1, query.size()));
    if (part.empty()) continue;
    const std::size_t equals = std::min(part.find('='), part.size());
    auto key = percent_decode(part.substr(0, equals), Plus::Space);
    auto value = percent_decode(equals < part.size() ? part.substr(equals + 1) : std::string_view(),
                                Plus::Space);
    if (!key || !value) return std::nullopt;
    out.emplace_back(std::move(*key), std::move(*value));
  }
  return out;
}

const std::string* find(const Query& query, std::string_view key) {
  for (auto it = query.rbegin(); it != query.rend(); ++it)
    if (it->first == key) return &it->second;
  return nullptr;
}

namespace {

/// Keys lower-cased and in byte order, array values joined by commas, nothing escaped.
std::string canonical_query(const Query& query) {
  std::map<std::string, std::string> sorted;
  for (const auto& [raw, value] : query) {
    std::string key = lower(raw);
    if (key == "auth_signature") continue;
    // PHP writes arrays as key[]=a&key[]=b or key[0]=a.
    const bool array = key.size() > 2 && key.back() == ']' && key.find('[') != std::string::npos;
    if (array) key.resize(key.find('['));
    const auto it = sorted.find(key);
    if (it == sorted.end())
      sorted.emplace(std::move(key), value);
    else if (array)
      it->second += "," + value;
    else
      it->second = value;
  }
  std::string out;
  for (const auto& [key, value] : sorted) {
    if (!out.empty()) out += '&';
    out.append(key).append("=").append(value);
  }
  return out;
}

}  // namespace

std::optional<std::string> signature_fault(const SignedRequest& request, std::string_view key,
                                           std::string_view secret, std::int64_t now) {
  const auto query = parse_query(request.query);
  if (!query) return "the query has a broken percent escape";
  const auto value = [&](std::string_view name) {
    const std::string* found = find(*query, name);
    return found != nullptr ? std::string_view(*found) : std::string_view();
  };
  if (!same(value("auth_key"), key)) return "auth_key is not this app's key";
  if (value("auth_version") != "1.0") return "auth_version is not 1.0";
  const std::string_view stamp = value("auth_timestamp");
  std::int64_t at = 0;
  const auto [end, ec] = std::from_chars(stamp.data(), stamp.data() + stamp.size(), at);
  if (ec != std::errc() || end != stamp.data() + stamp.size() || stamp.empty())
    return "auth_timestamp is not a number of seconds";
  if (at < now - kClockSkewMax || at > now + kClockSkewMax)
    return "auth_timestamp is more than 600 s from the server's time";
  const std::string_view md5 = value("body_md5");
  if ((!request.body.empty() || !md5.empty()) && !same(lower(md5), md5_hex(request.body)))
    return "body_md5 is not the MD5 of the body";
  const std::string canonical = canonical_query(*query);
  const auto fits = [&](std::string_view path) {
    std::string text;
    text.append(request.method).append("\n").append(path).append("\n").append(canonical);
    return same(value("auth_signature"), hmac_hex(secret, text));
  };
  if (fits(request.path)) return std::nullopt;
  // Libraries put names into the path unescaped and sign that form; a client may escape them later.
  const auto decoded = percent_decode(request.path);
  if (decoded && *decoded != request.path && fits(*decoded)) return std::nullopt;
  return "auth_signature does not fit";
}

}  // namespace rollcall::net
