// Requests and messages, signed.
#include "benchmarks/net_pusher.h"

#include "net/wire/pusher_message.h"
#include "net/wire/pusher_signature.h"

#include <fmt/format.h>

#include <ctime>

namespace rollcall::bench {
namespace {

std::string socket_id_of(std::string_view first) {
  const std::size_t at = first.find("socket_id\\\":\\\"");
  if (at == std::string_view::npos) return {};
  const std::size_t from = at + 14;
  return std::string(first.substr(from, first.find('\\', from) - from));
}

}  // namespace

std::string publish_request(const std::string& channel, std::size_t data_bytes) {
  const std::string body = fmt::format(R"({{"name":"bench","channel":"{}","data":"{}"}})", channel,
                                       std::string(data_bytes, 'x'));
  const std::string query =
      fmt::format("auth_key={}&auth_timestamp={}&auth_version=1.0&body_md5={}", kKey,
                  std::time(nullptr), net::md5_hex(body));
  const std::string signature = net::hmac_hex(kSecret, "POST\n/apps/main/events\n" + query);
  return fmt::format(
      "POST /apps/main/events?{}&auth_signature={} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: "
      "application/json\r\nContent-Length: {}\r\n\r\n{}",
      query, signature, body.size(), body);
}

std::function<std::string(std::string_view)> subscribe_to(const std::string& channel) {
  return [channel](std::string_view first) {
    const std::string socket = socket_id_of(first);
    std::string auth;
    if (channel.starts_with("private-"))
      auth = kKey + ":" + net::hmac_hex(kSecret, socket + ":" + channel);
    return masked(fmt::format(
        R"({{"event":"pusher:subscribe","data":{{"channel":"{}","auth":"{}"}}}})", channel, auth));
  };
}

std::string join_as(std::string_view first, const std::string& channel, const std::string& user) {
  const std::string data = fmt::format(R"({{"user_id":"{}"}})", user);
  return masked(fmt::format(
      R"({{"event":"pusher:subscribe","data":{{"channel":"{}","auth":"{}:{}","channel_data":{}}}}})",
      channel, kKey, net::hmac_hex(kSecret, socket_id_of(first) + ":" + channel + ":" + data),
      net::json_string(data)));
}

std::string sign_in_as(std::string_view first, const std::string& user) {
  const std::string data = fmt::format(R"({{"id":"{}"}})", user);
  return masked(fmt::format(
      R"({{"event":"pusher:signin","data":{{"auth":"{}:{}","user_data":{}}}}})", kKey,
      net::hmac_hex(kSecret, socket_id_of(first) + "::user::" + data), net::json_string(data)));
}

void open_subscribers(Load& load, const Subject& subject, std::size_t count,
                      const std::string& channel) {
  if (subject.floor())
    load.open(count, "/", nullptr, "");
  else
    load.open(count, kPath, subscribe_to(channel), "subscription_succeeded");
}

}  // namespace rollcall::bench
