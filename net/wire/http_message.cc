// Problems, hosts and origins.
#include "net/wire/http_message.h"

#include "net/wire/pusher_message.h"

#include <boost/asio/ip/address.hpp>
#include <fmt/format.h>

namespace rollcall::net::inline wire {
namespace {

std::string_view title(unsigned status) {
  switch (status) {
    case 400:
      return "Bad request";
    case 401:
      return "Not authenticated";
    case 403:
      return "Forbidden";
    case 404:
      return "Not found";
    case 405:
      return "Method not allowed";
    case 408:
      return "Request timeout";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 413:
      return "Too large";
    case 414:
      return "Target too long";
    case 417:
      return "Expectation failed";
    case 422:
      return "Unprocessable";
    case 426:
      return "Upgrade required";
    case 429:
      return "Too many requests";
    case 431:
      return "Head too large";
    case 503:
      return "Unavailable";
    default:
      return "Error";
  }
}

bool matches(std::string_view text, std::string_view pattern) {
  const std::size_t star = pattern.find('*');
  if (star == std::string_view::npos) return text == pattern;
  if (!text.starts_with(pattern.substr(0, star))) return false;
  text.remove_prefix(star);
  pattern.remove_prefix(star + 1);
  for (std::size_t i = 0; i <= text.size(); ++i)
    if (matches(text.substr(i), pattern)) return true;
  return false;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return out;
}

std::string_view without_port(std::string_view host) {
  if (host.starts_with('[')) {
    const std::size_t end = host.find(']');
    return end == std::string_view::npos ? std::string_view() : host.substr(1, end - 1);
  }
  return host.substr(0, std::min(host.find(':'), host.size()));
}

}  // namespace

HttpReply problem(unsigned status, std::string_view detail, std::string_view code) {
  HttpReply out;
  out.status = status;
  out.type = "application/problem+json";
  // `error` beside the RFC's members: what Pusher's server libraries show.
  out.body = fmt::format(R"({{"title":"{}","status":{},"detail":{},"error":{}{}}})", title(status),
                         status, json_string(detail), json_string(detail),
                         code.empty() ? std::string() : fmt::format(R"(,"code":"{}")", code));
  return out;
}

HttpReply not_allowed(std::string_view methods) {
  HttpReply out = problem(405, fmt::format("{} is answered here", methods));
  out.headers.emplace_back("Allow", std::string(methods));
  return out;
}

HttpReply too_many(std::uint32_t seconds, std::string_view detail) {
  HttpReply out = problem(429, detail);
  out.headers.emplace_back("Retry-After", fmt::format("{}", seconds));
  return out;
}

bool host_matches(std::string_view host, const std::vector<std::string>& patterns) {
  const std::string name = lower(host);
  for (const std::string& pattern : patterns) {
    // A rule may be written as a whole origin: only its host counts, as with Reverb.
    const std::string_view wanted =
        pattern.find("://") != std::string::npos ? origin_host(pattern) : std::string_view(pattern);
    if (std::count(wanted.begin(), wanted.end(), '*') <= 4 && matches(name, lower(wanted)))
      return true;
  }
  return false;
}

bool same_origin(const HttpRequest& request) {
  const std::string_view origin = request.header("origin");
  const std::string host(request.header("host"));
  return !host.empty() && (origin == "http://" + host || origin == "https://" + host);
}

std::string_view origin_host(std::string_view origin) {
  const std::size_t scheme = origin.find("://");
  if (scheme == std::string_view::npos) return {};
  origin.remove_prefix(scheme + 3);
  return without_port(origin.substr(0, std::min(origin.find('/'), origin.size())));
}

bool host_allowed(std::string_view host_header, const std::vector<std::string>& names) {
  const std::string_view host = without_port(host_header);
  if (host.empty()) return false;
  if (lower(host) == "localhost" || host_matches(host, names)) return true;
  boost::system::error_code ec;
  const auto address = boost::asio::ip::make_address(std::string(host), ec);
  return !ec && address.is_loopback();
}

}  // namespace rollcall::net::inline wire
