// Pusher messages: what a client sends, parsed; what the server sends, written.
//
// Why this file exists: protocol 7 has an envelope {event, channel, data} whose data is, from the
// server, a string (of JSON for its own events); the writers here are the only place that knows.
#pragma once

#include "net/wire/json_text.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rollcall::net::inline wire {

struct ClientMessage {
  std::string event;
  std::string channel;      ///< of a client event; empty where absent
  boost::json::value data;  ///< a pusher:* event's string of JSON is parsed once
  std::string_view
      raw_data;  ///< the bytes of `data` in the text that was parsed; empty where absent
  /// A key that stands twice where it is read here; what a client event relays is not.
  std::optional<std::string> twice;
};
/// Nothing where it is not an object with a string `event`, or is nested deeper than 32.
[[nodiscard]] std::optional<ClientMessage> parse_client_message(std::string_view text);

/// The bytes of a top-level member's value in `text`, which is a valid JSON object; empty where it
/// has none. What is relayed goes out as it came in: precision and order of keys are the sender's.
[[nodiscard]] std::string_view raw_member(std::string_view text, std::string_view key);

namespace message {
/// {"event":E,"channel":C,"data":"<data>"}; empty `channel` is left out; `seq` 0 is left out.
[[nodiscard]] std::string event(std::string_view event, std::string_view channel,
                                std::string_view data, std::uint64_t seq = 0);
/// A relayed client event: data is raw JSON, user_id only where there is one.
[[nodiscard]] std::string client_event(std::string_view event, std::string_view channel,
                                       std::string_view raw_data,
                                       std::optional<std::string_view> user_id);
[[nodiscard]] std::string connection_established(std::string_view socket_id,
                                                 std::uint32_t activity_timeout_s);
[[nodiscard]] std::string error(std::optional<int> code, std::string_view text);
[[nodiscard]] std::string pong();
[[nodiscard]] std::string ping();
[[nodiscard]] std::string subscription_succeeded(std::string_view channel,
                                                 std::string_view data = "{}",
                                                 std::uint64_t seq = 0);
[[nodiscard]] std::string subscription_error(std::string_view channel, std::string_view type,
                                             std::string_view text, int status);
[[nodiscard]] std::string member_added(std::string_view channel, std::string_view user_id,
                                       std::string_view raw_info, std::uint64_t seq);
[[nodiscard]] std::string member_removed(std::string_view channel, std::string_view user_id,
                                         std::uint64_t seq);
[[nodiscard]] std::string signin_success(std::string_view user_data);
[[nodiscard]] std::string cache_miss(std::string_view channel);
[[nodiscard]] std::string subscription_count(std::string_view channel, std::uint64_t count);
struct WatchEntry {
  std::string_view name;  ///< online, away, offline
  std::vector<std::string> user_ids;
};
[[nodiscard]] std::string watchlist_events(const std::vector<WatchEntry>& entries);
}  // namespace message

/// What channel_data or user_data says about a person.
struct SignedUser {
  std::string id;
  std::string info;                    ///< raw JSON, "null" where absent
  std::string session;                 ///< user_info.session where it is a string
  std::vector<std::string> watchlist;  ///< user_data only
};
/// channel_data: user_id a string or a number. Nothing where it is not such an object.
[[nodiscard]] std::optional<SignedUser> parse_channel_data(std::string_view text);
/// user_data: id a non-empty string.
[[nodiscard]] std::optional<SignedUser> parse_user_data(std::string_view text);

}  // namespace rollcall::net::inline wire
