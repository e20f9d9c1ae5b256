// One bucket a kind: a flood of one leaves room for the others.
#include "net/wire/refusals.h"

#include <boost/json.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>

namespace rollcall::net::inline wire {
namespace {

constexpr double kBurst = 20, kASecond = 1;
constexpr std::size_t kReasonMax = 200;

struct Kind {
  const char* name;
  LogLimit limit{kBurst, kASecond};
};

/// The process has one log, so it has one set of buckets, however many apps and shards there are.
Kind& kind(Refused what) {
  static std::array<Kind, 7> kinds{Kind{"connection"}, Kind{"handshake"},    Kind{"request"},
                                   Kind{"sign-in"},    Kind{"subscription"}, Kind{"client event"},
                                   Kind{"call"}};
  return kinds.at(static_cast<std::size_t>(what));
}

/// What kind of call it is: /apps/ID/events, /v1/presence. What follows may name somebody.
std::string_view kind_of_call(std::string_view path) {
  std::size_t parts = path.starts_with("/apps/") ? 3 : 2, end = 0;
  while (parts-- > 0 && end < path.size()) end = std::min(path.find('/', end + 1), path.size());
  return path.substr(0, end);
}

std::string detail_of(const HttpReply& reply) {
  boost::system::error_code ec;
  const auto body = boost::json::parse(reply.body, ec);
  const auto* object = ec ? nullptr : body.if_object();
  const auto* detail = object != nullptr ? object->if_contains("detail") : nullptr;
  return detail != nullptr && detail->is_string() ? std::string(detail->get_string()) : "";
}

}  // namespace

std::optional<std::uint64_t> LogLimit::admit(Clock::time_point now) {
  const store::Lock guard(mutex_);
  if (at_) {
    const double passed = std::chrono::duration<double>(now - *at_).count();
    tokens_ = std::min(burst_, tokens_ + std::max(0.0, passed) * a_second_);
  }
  at_ = now;
  if (tokens_ < 1) {
    ++held_back_;
    return std::nullopt;
  }
  tokens_ -= 1;
  return std::exchange(held_back_, 0);
}

std::string for_log(std::string_view text, std::size_t most) {
  std::string out;
  for (const char c : text.substr(0, most)) {
    if (c >= 0x20 && c < 0x7F && c != '\\')
      out += c;
    else
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
  }
  if (text.size() > most) out += "...";
  return out;
}

std::string without_quoted(std::string_view sentence) {
  const std::size_t from = sentence.find('\'');
  const std::size_t to = sentence.rfind('\'');
  if (from == to) return std::string(sentence);
  // From the first quote to the last: what is quoted may hold quotes of its own.
  return fmt::format("{}'...'{}", sentence.substr(0, from), sentence.substr(to + 1));
}

namespace {

/// `reason` is asked only where the line is written.
template <class Reason>
void log_bounded(Refused what, int code, const Reason& reason) {
  if (!spdlog::should_log(spdlog::level::info)) return;
  Kind& of = kind(what);
  const auto held_back = of.limit.admit();
  if (!held_back) return;
  const std::string text = for_log(without_quoted(reason()), kReasonMax);
  if (*held_back == 0)
    spdlog::info("{} refused: {} {}", of.name, code, text);
  else
    spdlog::info("{} refused: {} {} ({} more since the last such line)", of.name, code, text,
                 *held_back);
}

}  // namespace

void log_refusal(Refused what, int code, std::string_view reason) {
  log_bounded(what, code, [&] { return reason; });
}

void log_refused_host(const HttpRequest& request) {
  log_bounded(Refused::Host, 403, [&] {
    return fmt::format("Host is not a name this server answers to: add it to `hosts` (Host: {})",
                       request.header("host").substr(0, kReasonMax));
  });
}

void log_refused_call(const HttpRequest& request, const HttpReply& reply) {
  constexpr unsigned kNotFound = 404, kConflict = 409;
  if (reply.status < 400 || reply.status >= 500 || reply.status == kNotFound ||
      reply.status == kConflict)
    return;
  log_bounded(Refused::Call, static_cast<int>(reply.status), [&] {
    return fmt::format("{} {}: {}", request.method, kind_of_call(request.path), detail_of(reply));
  });
}

}  // namespace rollcall::net::inline wire
