// Strings to sign, and the order of the checks.
#include "net/wire/pusher_signature.h"

#include "store/bytes/crypto.h"

#include <boost/url/encode.hpp>
#include <boost/url/rfc/unreserved_chars.hpp>
#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <charconv>

namespace rollcall::net::inline wire {
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
  const auto is_plain = [plus](char c) { return c != '%' && (c != '+' || plus == Plus::Literal); };
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::size_t run = i;  // most of it says itself
    while (run < text.size() && is_plain(text[run])) ++run;
    out.append(text, i, run - i);
    if ((i = run) == text.size()) break;
    if (text[i] == '+') {
      out += ' ';
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

const std::string* find(const Parameters& parameters, std::string_view name) {
  const auto it = parameters.find(name);
  return it == parameters.end() ? nullptr : &it->second;
}

namespace {

store::Error refused(std::string why) {
  return store::Error{store::Errc::NotPermitted, std::move(why)};
}

bool of_the_signature(std::string_view name) {
  return name.starts_with("auth_") || name == "body_md5";
}

/// How an answer names a parameter: a stranger's text is not repeated.
std::string nameable(std::string_view name) {
  const bool plain =
      !name.empty() && name.size() <= 40 &&
      name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == std::string_view::npos;
  return plain ? "the parameter " + std::string(name) : "a parameter";
}

/// Values are signed unescaped, so `a&b=c` as a value is signed as two parameters would be.
bool reads_as_two(std::string_view value) {
  const std::size_t amp = value.find('&');
  return amp != std::string_view::npos && value.find('=', amp) != std::string_view::npos;
}

}  // namespace

store::Result<Parameters> canonical(const Query& query) {
  constexpr std::size_t kMost = 1000;  // they are compared one with another
  if (query.size() > kMost) return refused("the query has more than 1000 parameters");
  Parameters out;
  std::vector<std::string> met;    // names as they came, in lower case: few
  std::vector<std::string> lists;  // which of the parameters are arrays
  const auto among = [](const std::vector<std::string>& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  for (const auto& [raw, value] : query) {
    const std::string whole = lower(raw);
    const std::size_t bracket = whole.find('[');
    const bool array = bracket != std::string::npos && whole.back() == ']';
    const std::string name = array ? whole.substr(0, bracket) : whole;
    if (name.empty() || name.find_first_of("=&") != std::string::npos)
      return refused(fmt::format("{} cannot be the name of a signed parameter", nameable(name)));
    if (array && of_the_signature(name))
      return refused(fmt::format("{} is one value, not an array", nameable(name)));
    const bool again = among(met, whole) && !whole.ends_with("[]");
    const auto [place, is_new] = out.try_emplace(name);
    if (again || (!is_new && array != among(lists, name)))
      return refused(fmt::format("{} occurs twice in the query", nameable(name)));
    if (array && is_new) lists.push_back(name);
    met.push_back(whole);
    std::string& said = place->second;
    if (!is_new) said += ',';
    said += value;
    if (reads_as_two(said))
      return refused(
          fmt::format("the value of {} holds an & and a = after it: the signature "
                      "cannot tell it from two parameters",
                      nameable(name)));
  }
  return out;
}

std::string signed_text(std::string_view method, std::string_view path,
                        const Parameters& parameters) {
  std::string out;
  out.append(method).append("\n").append(path).append("\n");
  const char* between = "";
  for (const auto& [name, value] : parameters) {
    if (name == "auth_signature") continue;
    out.append(between).append(name).append("=").append(value);
    between = "&";
  }
  return out;
}

store::Result<Parameters> signed_parameters(const SignedRequest& request, std::string_view key,
                                            std::string_view secret, std::int64_t now) {
  const auto query = parse_query(request.query);
  if (!query) return refused("the query has a broken percent escape");
  auto parameters = canonical(*query);
  if (!parameters) return parameters;
  const auto value = [&](std::string_view name) {
    const std::string* found = find(*parameters, name);
    return found != nullptr ? std::string_view(*found) : std::string_view();
  };
  if (!same(value("auth_key"), key)) return refused("auth_key is not this app's key");
  if (value("auth_version") != "1.0") return refused("auth_version is not 1.0");
  const std::string_view stamp = value("auth_timestamp");
  std::int64_t at = 0;
  const auto [end, ec] = std::from_chars(stamp.data(), stamp.data() + stamp.size(), at);
  if (ec != std::errc() || end != stamp.data() + stamp.size() || stamp.empty())
    return refused("auth_timestamp is not a number of seconds");
  if (at < now - kClockSkewMax || at > now + kClockSkewMax)
    return refused("auth_timestamp is more than 600 s from the server's time");
  const std::string_view md5 = value("body_md5");
  if ((!request.body.empty() || !md5.empty()) && !same(lower(md5), md5_hex(request.body)))
    return refused("body_md5 is not the MD5 of the body");
  const auto fits = [&](std::string_view path) {
    return same(value("auth_signature"),
                hmac_hex(secret, signed_text(request.method, path, *parameters)));
  };
  if (fits(request.path)) return parameters;
  // Libraries put names into the path unescaped and sign that form; a client may escape them later.
  // A line feed in it would end the path's line of what is signed.
  const auto decoded = percent_decode(request.path);
  if (decoded && *decoded != request.path && decoded->find('\n') == std::string::npos &&
      fits(*decoded))
    return parameters;
  return refused("auth_signature does not fit");
}

}  // namespace rollcall::net::inline wire
