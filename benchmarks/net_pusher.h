// What a Pusher client of the benchmark's app says: connecting, subscribing, signing in,
// publishing.
#pragma once

#include "benchmarks/net_client.h"
#include "benchmarks/net_subject.h"

#include <functional>
#include <string>
#include <string_view>

namespace rollcall::bench {

/// Where a client connects.
inline const std::string kPath = "/app/" + kKey + "?protocol=7&client=js&version=8.6.0&flash=false";

/// The request of a signed publish of `data_bytes` to a channel.
[[nodiscard]] std::string publish_request(const std::string& channel, std::size_t data_bytes);

// Answers to a server's first message, as Load::open() takes them, framed:

[[nodiscard]] std::function<std::string(std::string_view)> subscribe_to(const std::string& channel);
[[nodiscard]] std::string join_as(std::string_view first, const std::string& channel,
                                  const std::string& user);
[[nodiscard]] std::string sign_in_as(std::string_view first, const std::string& user);

/// Connects and subscribes; to a floor, connects alone.
void open_subscribers(Load& load, const Subject& subject, std::size_t count,
                      const std::string& channel);

}  // namespace rollcall::bench
