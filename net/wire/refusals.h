// What the server refuses, for its log: with the reason, and never more than the log can bear.
//
// Why this file exists: whoever connects for the first time asks "why does it not let me in?", and
// the answer was with the client alone. Outsiders cause these lines, so each kind has a token
// bucket of its own, what it held back is counted, and what they sent is escaped and cut. A reason
// is made of our own words: names, addresses, channels and secrets stay out.
#pragma once

#include "net/wire/http_message.h"
#include "store/bytes/mutex.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace rollcall::net::inline wire {

/// A token bucket that counts what it held back. Any thread.
class LogLimit {
 public:
  using Clock = std::chrono::steady_clock;
  LogLimit(double burst, double a_second) : burst_(burst), a_second_(a_second), tokens_(burst) {}
  /// Whether to write a line; then how many were held back since the last one.
  [[nodiscard]] std::optional<std::uint64_t> admit(Clock::time_point now = Clock::now());

 private:
  store::Mutex mutex_;
  const double burst_, a_second_;
  double tokens_ RC_GUARDED_BY(mutex_);
  std::optional<Clock::time_point> at_ RC_GUARDED_BY(mutex_);
  std::uint64_t held_back_ RC_GUARDED_BY(mutex_) = 0;
};

/// Text of an outsider, fit for a line of the log: printable ASCII, at most so many bytes.
[[nodiscard]] std::string for_log(std::string_view text, std::size_t most = 100);
/// A sentence without what it quotes ('…'), which an outsider sent: that may be personal.
[[nodiscard]] std::string without_quoted(std::string_view sentence);

enum class Refused { Connection, Handshake, Host, SignIn, Subscription, ClientEvent, Call };

/// "handshake refused: 4001 There is no app with this key", at `info`; what the reason quotes is
/// left out.
void log_refusal(Refused what, int code, std::string_view reason);
/// A Host that is not one of ours: which, since that is what the operator has to add.
void log_refused_host(const HttpRequest& request);
/// A call that was answered with a status of 400 to 499, by what kind of call it is and why; an
/// answer of 404 or 409 is no refusal.
void log_refused_call(const HttpRequest& request, const HttpReply& reply);

}  // namespace rollcall::net::inline wire
