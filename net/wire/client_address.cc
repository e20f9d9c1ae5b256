// Both headers become the same list of hops, which is walked from its end.
#include "net/wire/client_address.h"

#include <optional>
#include <utility>
#include <vector>

namespace rollcall::net::inline wire {
namespace {

constexpr std::size_t kHopsMost = 64;

/// What one proxy said: whom it heard, and over what. Rightmost is nearest to us.
struct Hop {
  std::string node;
  std::optional<bool> tls;
};

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return out;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

std::optional<bool> tls_of(std::string_view scheme) {
  const std::string word = lower(trimmed(scheme));
  if (word == "https" || word == "wss") return true;
  if (word == "http" || word == "ws") return false;
  return std::nullopt;
}

/// All lines of the header as one list.
std::vector<std::string> list_of(const HttpRequest& request, std::string_view name) {
  std::vector<std::string> out;
  for (const auto& [key, value] : request.headers) {
    if (key != name) continue;
    std::string_view rest = value;
    while (true) {
      const std::size_t comma = std::min(rest.find(','), rest.size());
      out.emplace_back(trimmed(rest.substr(0, comma)));
      if (comma == rest.size()) break;
      rest.remove_prefix(comma + 1);
    }
  }
  return out;
}

std::vector<Hop> hops_of_x_forwarded(const HttpRequest& request) {
  std::vector<Hop> out;
  for (std::string& node : list_of(request, "x-forwarded-for"))
    out.push_back({std::move(node), {}});
  const auto schemes = list_of(request, "x-forwarded-proto");
  if (schemes.empty()) return out;
  if (out.empty()) out.emplace_back();  // a proxy that says over what, and not for whom
  // From the right, as each proxy appends; where there is one for all, it is said for all.
  for (std::size_t back = 0; back < out.size(); ++back)
    out[out.size() - 1 - back].tls =
        tls_of(schemes[schemes.size() - 1 - std::min(back, schemes.size() - 1)]);
  return out;
}

/// RFC 7239 section 4: elements joined by commas, pairs by semicolons, values tokens or quoted.
std::vector<Hop> hops_of_forwarded(const HttpRequest& request) {
  std::vector<Hop> out;
  for (const auto& [key, text] : request.headers) {
    if (key != "forwarded") continue;
    Hop hop;
    std::string name, value;
    bool in_value = false, quoted = false;
    const auto pair_ends = [&] {
      if (lower(trimmed(name)) == "for") hop.node = std::string(trimmed(value));
      if (lower(trimmed(name)) == "proto") hop.tls = tls_of(value);
      name.clear();
      value.clear();
      in_value = false;
    };
    for (std::size_t i = 0; i < text.size(); ++i) {
      const char c = text[i];
      if (quoted) {
        if (c == '\\' && i + 1 < text.size())
          value += text[++i];
        else if (c == '"')
          quoted = false;
        else
          value += c;
      } else if (c == ',' || c == ';') {
        pair_ends();
        if (c == ',') out.push_back(std::exchange(hop, {}));
      } else if (in_value) {
        if (c == '"')
          quoted = true;
        else
          value += c;
      } else if (c == '=') {
        in_value = true;
      } else {
        name += c;
      }
    }
    if (quoted) return {{"unknown", std::nullopt}};  // broken: nobody is named by it
    pair_ends();
    out.push_back(std::move(hop));
  }
  return out;
}

Client walk(const std::vector<Hop>& hops, Client client, const Networks& trusted) {
  std::size_t walked = 0;
  for (auto hop = hops.rbegin(); hop != hops.rend() && walked < kHopsMost; ++hop, ++walked) {
    if (hop->tls) client.tls = *hop->tls;
    const auto address = address_of_node(hop->node);
    if (!address) break;
    client.address = *address;
    if (!trusted.contain(*address)) break;
  }
  return client;
}

}  // namespace

Client client_of(const HttpRequest& request, const std::string& peer, bool tls,
                 const Networks& trusted) {
  Client direct{peer, tls};
  if (!trusted.contain(peer)) return direct;
  const auto older = hops_of_x_forwarded(request), newer = hops_of_forwarded(request);
  if (newer.empty()) return walk(older, direct, trusted);
  if (request.header("x-forwarded-for").empty()) return walk(newer, direct, trusted);
  // A proxy writes one of the two and passes the other on as whoever connected sent it.
  const Client one = walk(older, direct, trusted), other = walk(newer, direct, trusted);
  if (one.address != other.address) return direct;
  return {one.address, one.tls && other.tls};
}

}  // namespace rollcall::net::inline wire
