// Parsing with bounds, and writing by hand: the frames of a broadcast are the hot path.
#include "net/wire/pusher_message.h"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <set>

namespace rollcall::net::inline wire {
namespace {

namespace json = boost::json;

std::optional<std::string> string_at(const json::object& object, std::string_view key) {
  const json::value* found = object.if_contains(key);
  if (found == nullptr || !found->is_string()) return std::nullopt;
  return std::string(found->get_string());
}

void take_info(const json::object& object, std::string_view text, SignedUser& out) {
  out.info = "null";
  if (const json::value* info = object.if_contains("user_info")) {
    const std::string_view raw = raw_member(text, "user_info");
    out.info = raw.empty() ? json::serialize(*info) : std::string(raw);
    if (info->is_object())
      out.session = string_at(info->get_object(), "session").value_or(std::string());
  }
}

void append_seq(std::string& out, std::uint64_t seq) {
  if (seq != 0) fmt::format_to(std::back_inserter(out), ",\"seq\":{}", seq);
  out += '}';
}

}  // namespace

std::optional<ClientMessage> parse_client_message(std::string_view text) {
  auto value = parse_json(text);
  if (!value || !value->is_object()) return std::nullopt;
  json::object& object = value->get_object();
  auto event = string_at(object, "event");
  if (!event) return std::nullopt;
  ClientMessage out;
  out.event = std::move(*event);
  out.channel = string_at(object, "channel").value_or(std::string());
  if (json::value* data = object.if_contains("data")) out.data = std::move(*data);
  out.raw_data = raw_member(text, "data");
  constexpr std::size_t kEnvelope = 1;
  out.twice = out.event.starts_with("client-") ? key_twice(text, kEnvelope) : key_twice(text);
  if (out.event.starts_with("pusher:") && out.data.is_string()) {
    const std::string inside(out.data.get_string());
    if (auto inner = parse_json(inside)) out.data = std::move(*inner);
    if (!out.data.is_string() && !out.twice) out.twice = key_twice(inside);
  }
  return out;
}

namespace {

/// What a member's name is, of the text between its quotes.
std::string unescaped(std::string_view name) {
  const auto value = parse_json("\"" + std::string(name) + "\"");
  return value && value->is_string() ? std::string(value->get_string()) : std::string();
}

}  // namespace

std::string_view raw_member(std::string_view text, std::string_view key) {
  std::string_view found;
  const auto space = [](char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; };
  const auto string_end = [&](std::size_t i) {  // i: just past the opening quote
    while (i < text.size() && text[i] != '"') i += text[i] == '\\' ? 2 : 1;
    return i;
  };
  std::size_t i = text.find('{');
  if (i == std::string_view::npos) return found;
  ++i;
  while (i < text.size()) {
    while (i < text.size() && (space(text[i]) || text[i] == ',')) ++i;
    if (i >= text.size() || text[i] != '"') break;
    const std::size_t name_end = string_end(i + 1);
    if (name_end >= text.size()) break;
    const std::string_view name = text.substr(i + 1, name_end - i - 1);
    i = name_end + 1;
    while (i < text.size() && (space(text[i]) || text[i] == ':')) ++i;
    const std::size_t start = i;
    int depth = 0;
    for (; i < text.size(); ++i) {
      const char c = text[i];
      if (c == '"') {
        i = string_end(i + 1);
      } else if (c == '{' || c == '[') {
        ++depth;
      } else if (c == '}' || c == ']') {
        if (depth == 0) break;
        --depth;
      } else if (c == ',' && depth == 0) {
        break;
      }
    }
    std::size_t end = std::min(i, text.size());
    while (end > start && space(text[end - 1])) --end;
    if (name == key || (name.find('\\') != std::string_view::npos && unescaped(name) == key))
      found = text.substr(start, end - start);
    if (i < text.size() && text[i] == '}') break;
  }
  return found;
}

namespace message {

std::string event(std::string_view name, std::string_view channel, std::string_view data,
                  std::uint64_t seq) {
  std::string out = "{\"event\":" + json_string(name);
  if (!channel.empty()) out.append(",\"channel\":").append(json_string(channel));
  out.append(",\"data\":").append(json_string(data));
  append_seq(out, seq);
  return out;
}

std::string client_event(std::string_view name, std::string_view channel, std::string_view raw_data,
                         std::optional<std::string_view> user_id) {
  std::string out = "{\"event\":" + json_string(name) + ",\"channel\":" + json_string(channel);
  if (!raw_data.empty()) out.append(",\"data\":").append(raw_data);
  if (user_id) out.append(",\"user_id\":").append(json_string(*user_id));
  return out + "}";
}

std::string connection_established(std::string_view socket_id, std::uint32_t activity_timeout_s) {
  return event("pusher:connection_established", {},
               fmt::format("{{\"socket_id\":\"{}\",\"activity_timeout\":{}}}", socket_id,
                           activity_timeout_s));
}

std::string error(std::optional<int> code, std::string_view text) {
  return fmt::format(R"({{"event":"pusher:error","data":{{"code":{},"message":{}}}}})",
                     code ? std::to_string(*code) : "null", json_string(text));
}

std::string pong() { return R"({"event":"pusher:pong","data":{}})"; }
std::string ping() { return R"({"event":"pusher:ping","data":{}})"; }

std::string subscription_succeeded(std::string_view channel, std::string_view data,
                                   std::uint64_t seq) {
  return event("pusher_internal:subscription_succeeded", channel, data, seq);
}

std::string subscription_error(std::string_view channel, std::string_view type,
                               std::string_view text, int status) {
  return fmt::format(
      R"({{"event":"pusher:subscription_error","channel":{},"data":{{"type":"{}","error":{},"status":{}}}}})",
      json_string(channel), type, json_string(text), status);
}

std::string member_added(std::string_view channel, std::string_view user_id,
                         std::string_view raw_info, std::uint64_t seq) {
  return event("pusher_internal:member_added", channel,
               fmt::format("{{\"user_id\":{},\"user_info\":{}}}", json_string(user_id), raw_info),
               seq);
}

std::string member_removed(std::string_view channel, std::string_view user_id, std::uint64_t seq) {
  return event("pusher_internal:member_removed", channel,
               fmt::format("{{\"user_id\":{}}}", json_string(user_id)), seq);
}

std::string signin_success(std::string_view user_data) {
  return fmt::format(R"({{"event":"pusher:signin_success","data":{{"user_data":{}}}}})",
                     json_string(user_data));
}

std::string cache_miss(std::string_view channel) {
  return event("pusher:cache_miss", channel, "{}");
}

std::string subscription_count(std::string_view channel, std::uint64_t count) {
  return event("pusher_internal:subscription_count", channel,
               fmt::format("{{\"subscription_count\":{}}}", count));
}

std::string watchlist_events(const std::vector<WatchEntry>& entries) {
  std::string list;
  for (const WatchEntry& entry : entries) {
    if (entry.user_ids.empty()) continue;
    std::string ids;
    for (const auto& id : entry.user_ids)
      ids.append(ids.empty() ? "" : ",").append(json_string(id));
    list.append(list.empty() ? "" : ",")
        .append(fmt::format(R"({{"name":"{}","user_ids":[{}]}})", entry.name, ids));
  }
  return event("pusher_internal:watchlist_events", {}, "{\"events\":[" + list + "]}");
}

}  // namespace message

std::optional<SignedUser> parse_channel_data(std::string_view text) {
  const auto value = parse_json(text);
  if (!value || !value->is_object()) return std::nullopt;
  const json::value* id = value->get_object().if_contains("user_id");
  SignedUser out;
  if (id == nullptr) return std::nullopt;
  if (id->is_string())
    out.id = std::string(id->get_string());
  else if (id->is_int64() || id->is_uint64())
    out.id = json::serialize(*id);
  if (out.id.empty()) return std::nullopt;
  take_info(value->get_object(), text, out);
  return out;
}

std::optional<SignedUser> parse_user_data(std::string_view text) {
  const auto value = parse_json(text);
  if (!value || !value->is_object()) return std::nullopt;
  const json::object& object = value->get_object();
  SignedUser out;
  out.id = string_at(object, "id").value_or(std::string());
  if (out.id.empty()) return std::nullopt;
  take_info(object, text, out);
  if (const json::value* list = object.if_contains("watchlist"); list && list->is_array()) {
    std::set<std::string_view> met;
    for (const json::value& entry : list->get_array())
      if (entry.is_string() && met.insert(entry.get_string()).second)
        out.watchlist.emplace_back(entry.get_string());
  }
  return out;
}

}  // namespace rollcall::net::inline wire
