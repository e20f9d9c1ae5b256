// A client of protocol 7 on an app's shard, spoken by hand.
#pragma once

#include "net/wire/pusher_signature.h"
#include "tests/support/running_app.h"

#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rollcall::test {

namespace json = boost::json;

inline std::string text_at(const json::object& message, std::string_view key) {
  const json::value* found = message.if_contains(key);
  return found != nullptr && found->is_string() ? std::string(found->get_string()) : std::string();
}

/// The server's own events have JSON in a string.
inline json::object data_of(const json::object& message) {
  const json::value& data = message.at("data");
  return data.is_object() ? data.get_object() : json::parse(data.get_string()).as_object();
}

class Client {
 public:
  explicit Client(RunningApp& app) {
    app.adopt(far);
    socket = text_at(data_of(expect("pusher:connection_established")), "socket_id");
  }
  json::object next() { return json::parse(far.text()).as_object(); }
  json::object expect(std::string_view event) {
    json::object out = next();
    INFO(json::serialize(out));
    REQUIRE(text_at(out, "event") == event);
    return out;
  }
  static std::string message(std::string_view event, const json::value& data) {
    return json::serialize(json::object{{"event", event}, {"data", data}});
  }
  void send(std::string_view event, const json::value& data) const {
    far.say(message(event, data));
  }
  [[nodiscard]] std::string signature(const std::string& channel,
                                      const std::optional<std::string>& who = std::nullopt) const {
    return fmt::format("{}:{}", kAppKey,
                       net::hmac_hex(kAppSecret, net::channel_string(socket, channel, who)));
  }
  /// What says it, signed for this connection.
  [[nodiscard]] json::object subscription(
      const std::string& channel, const std::optional<std::string>& who = std::nullopt) const {
    json::object out{{"channel", channel}, {"auth", signature(channel, who)}};
    if (who) out["channel_data"] = *who;
    return out;
  }
  json::object join(const std::string& channel,
                    const std::optional<std::string>& who = std::nullopt) {
    send("pusher:subscribe", subscription(channel, who));
    return data_of(expect("pusher_internal:subscription_succeeded"));
  }
  void leave(const std::string& channel) const {
    send("pusher:unsubscribe", json::object{{"channel", channel}});
  }
  /// What it is answered: {type, error, status}.
  json::object refused(const json::value& data) {
    send("pusher:subscribe", data);
    return data_of(expect("pusher:subscription_error"));
  }
  void sign_in(const std::string& user_data) const {
    send("pusher:signin",
         json::object{
             {"auth", fmt::format("{}:{}", kAppKey,
                                  net::hmac_hex(kAppSecret, net::user_string(socket, user_data)))},
             {"user_data", user_data}});
  }
  std::int64_t error_code() {
    const json::object data = data_of(expect("pusher:error"));
    return data.at("code").is_null() ? 0 : data.at("code").as_int64();
  }
  /// Nothing else came, and the connection lives.
  void nothing_more() {
    send("pusher:ping", json::object{});
    (void)expect("pusher:pong");
  }

  FarEnd far;
  std::string socket;
};

inline std::string user(const std::string& id) {
  return json::serialize(json::object{{"user_id", id}});
}
inline std::string person(const std::string& id) {
  return json::serialize(json::object{{"id", id}});
}

inline std::vector<std::string> members(RunningApp& app, const std::string& channel) {
  std::vector<std::string> out;
  for (const auto& member : app.app().hub().members(channel)) out.push_back(member.user_id);
  return out;
}

}  // namespace rollcall::test
