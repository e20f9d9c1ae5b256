// Counting and comparing header fields.
#include "net/wire/request_head.h"

#include "net/wire/networks.h"

#include <array>
#include <chrono>
#include <ctime>

namespace rollcall::net::inline wire {
namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

bool same_word(std::string_view text, std::string_view lower) {
  return text.size() == lower.size() &&
         std::equal(text.begin(), text.end(), lower.begin(), [](char a, char b) {
           return (a >= 'A' && a <= 'Z' ? static_cast<char>(a + 32) : a) == b;
         });
}

/// uri-host [":" port] of RFC 9112 section 3.2, roughly: nothing that another reader could take for
/// two names, a path or a user.
bool host_is_sound(std::string_view host) {
  std::size_t name_end = std::min(host.find(':'), host.size());
  if (host.starts_with('[')) {
    name_end = host.find(']');
    if (name_end == std::string_view::npos) return false;
    const std::string_view inside = host.substr(1, name_end - 1);
    if (inside.find(':') == std::string_view::npos || !normal_address(inside)) return false;
    ++name_end;
  }
  if (name_end <
      host.size()) {  // RFC 3986 section 3.2.3: nothing behind the colon is the usual port
    const std::string_view port = host.substr(name_end + 1);
    if (host[name_end] != ':') return false;
    if (!port.empty() && !is_port(port)) return false;
  }
  return std::all_of(host.begin(), host.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("-._~%!$&'()*+;=:[]").find(c) != std::string_view::npos;
  });
}

}  // namespace

std::optional<std::string> head_fault(const HttpRequest& request, unsigned version) {
  std::size_t hosts = 0, lengths = 0, codings = 0;
  std::string_view host, length, coding;
  for (const auto& [name, value] : request.headers) {
    if (name == "host") ++hosts, host = value;
    if (name == "content-length") ++lengths, length = trimmed(value);
    if (name == "transfer-encoding") ++codings, coding = trimmed(value);
  }
  if (hosts > 1) return "there is more than one Host";
  if (hosts == 0 && version >= 11) return "Host is missing, which HTTP/1.1 asks for";
  if (!host_is_sound(trimmed(host))) return "Host is not a name or address, with a port or without";
  if (lengths > 1) return "there is more than one Content-Length";
  if (lengths == 1 &&
      (length.empty() || length.size() > 18 ||
       !std::all_of(length.begin(), length.end(), [](char c) { return c >= '0' && c <= '9'; })))
    return "Content-Length is not a number of bytes";
  if (codings == 0) return std::nullopt;
  if (lengths != 0) return "there are both Transfer-Encoding and Content-Length";
  if (version < 11) return "HTTP/1.0 has no Transfer-Encoding";
  if (codings > 1 || !same_word(coding, "chunked"))
    return "the only Transfer-Encoding taken here is chunked";
  return std::nullopt;
}

RequestTarget read_target(std::string_view target) {
  RequestTarget out;
  const std::size_t scheme = target.find("://");
  if (scheme != std::string_view::npos && (same_word(target.substr(0, scheme), "http") ||
                                           same_word(target.substr(0, scheme), "https"))) {
    target.remove_prefix(scheme + 3);
    const std::size_t end = std::min(target.find_first_of("/?"), target.size());
    out.authority = std::string(target.substr(0, end));
    target.remove_prefix(end);
  }
  const std::size_t question = std::min(target.find('?'), target.size());
  out.path = std::string(target.substr(0, question));
  if (out.path.empty()) out.path.assign(1, '/');
  if (question < target.size()) out.query = std::string(target.substr(question + 1));
  return out;
}

std::optional<std::string_view> below_prefix(std::string_view path, std::string_view prefix) {
  if (prefix.empty()) return path;
  if (!path.starts_with(prefix)) return std::nullopt;
  path.remove_prefix(prefix.size());
  if (path.empty()) return "/";
  if (path.front() != '/') return std::nullopt;
  return path;
}

std::optional<std::string> normal_prefix(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c <= ' ' || c == '?' || c == '#' || c == '\\' || c == 0x7f) return std::nullopt;
    if (out.empty() && c != '/') out += '/';
    if (c != '/' || !out.ends_with('/')) out += c;
  }
  while (out.ends_with('/')) out.pop_back();
  return out;
}

Expectation expectation_of(const HttpRequest& request, unsigned version) {
  const std::string_view value = trimmed(request.header("expect"));
  if (value.empty() || version < 11) return Expectation::None;
  return same_word(value, "100-continue") ? Expectation::Continue : Expectation::Unknown;
}

std::string http_date(std::int64_t unix_seconds) {
  constexpr std::array<const char*, 7> kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::array<const char*, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::time_t time = unix_seconds;
  std::tm parts{};
  ::gmtime_r(&time, &parts);
  std::array<char, 40> rest{};
  std::string out = kDays.at(static_cast<std::size_t>(parts.tm_wday));
  std::strftime(rest.data(), rest.size(), ", %d ", &parts);
  out += rest.data();
  out += kMonths.at(static_cast<std::size_t>(parts.tm_mon));
  std::strftime(rest.data(), rest.size(), " %Y %H:%M:%S GMT", &parts);
  out += rest.data();
  return out;
}

const std::string& date_now() {
  thread_local std::int64_t second = -1;
  thread_local std::string text;
  const std::int64_t now = std::chrono::duration_cast<std::chrono::seconds>(
                               std::chrono::system_clock::now().time_since_epoch())
                               .count();
  if (now != second) {
    second = now;
    text = http_date(now);
  }
  return text;
}

}  // namespace rollcall::net::inline wire
