// One function a call. Answers are 200 and an object: some libraries refuse anything else.
#include "net/pusher/pusher_api.h"

#include "net/wire/pusher_message.h"
#include "net/wire/pusher_signature.h"
#include "store/writer.h"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <algorithm>

namespace rollcall::net::inline pusher {
namespace {

namespace json = boost::json;

constexpr std::size_t kChannelsAnEvent = 100;
constexpr std::size_t kEventsABatch = 10;

HttpReply ok(const json::value& value) {
  HttpReply out;
  out.body = escape_halves(json::serialize(value));
  return out;
}

/// Which attributes of channels a request asks for.
struct Info {
  bool user_count = false, subscription_count = false, cache = false;
  std::string unknown;  ///< the first that is none of these
  [[nodiscard]] bool counts() const { return user_count || subscription_count; }
};

struct Publish {
  std::string name, data;
  std::vector<std::pair<std::string, ChannelKind>> channels;
  ConnectionId except = 0;
  Info info;
};

void take_info(std::string_view list, Info& out) {
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    const std::string_view part = list.substr(0, comma);
    list.remove_prefix(std::min(comma + 1, list.size()));
    if (part == "user_count")
      out.user_count = true;
    else if (part == "subscription_count")
      out.subscription_count = true;
    else if (part == "cache")
      out.cache = true;
    else if (!part.empty() && out.unknown.empty())
      out.unknown = part;
  }
}

/// What a question's `info` asks for; the reply says what there is not.
std::optional<HttpReply> read_info(const Parameters& query, Info& out) {
  if (const std::string* info = find(query, "info")) take_info(*info, out);
  if (out.unknown.empty()) return std::nullopt;
  return problem(400, fmt::format("info knows user_count, subscription_count and cache, not {}",
                                  json_string(out.unknown.substr(0, 40))));
}

/// The same of a body: a string, or a list of strings. An event is delivered whatever it says.
void read_info(const json::value& info, Info& out) {
  if (info.is_string()) take_info(info.get_string(), out);
  if (!info.is_array()) return;
  for (const json::value& entry : info.get_array())
    if (entry.is_string()) take_info(entry.get_string(), out);
}

/// One event of a request body, checked; the reply says what is wrong.
std::optional<HttpReply> read_event(const AppSettings& settings, const json::value& value,
                                    Publish& out) {
  if (!value.is_object()) return problem(400, "an event is a JSON object");
  const json::object& o = value.get_object();
  const auto text = [&](std::string_view key) -> const json::string* {
    const json::value* found = o.if_contains(key);
    return found != nullptr && found->is_string() ? &found->get_string() : nullptr;
  };
  const json::string* name = text("name");
  if (name == nullptr || name->empty() || name->size() > kEventNameMax)
    return problem(400, "name is a string of 1 to 200 bytes");
  out.name = std::string(*name);
  if (out.name.starts_with("pusher:") || out.name.starts_with("pusher_internal:"))
    return problem(400, "names that start with pusher: or pusher_internal: are reserved");
  const json::string* data = text("data");
  if (data == nullptr) return problem(400, "data is a string (JSON encoded by the sender)");
  if (data->size() > settings.event_max)
    return problem(413, fmt::format("data is {} bytes, at most {} are allowed", data->size(),
                                    settings.event_max));
  out.data = std::string(*data);
  std::vector<std::string> names;
  if (const json::value* list = o.if_contains("channels")) {
    if (!list->is_array() || list->get_array().empty() ||
        list->get_array().size() > kChannelsAnEvent)
      return problem(400, "channels is a list of 1 to 100 names");
    for (const json::value& entry : list->get_array()) {
      if (!entry.is_string()) return problem(400, "channels is a list of 1 to 100 names");
      names.emplace_back(entry.get_string());
    }
  } else if (const json::string* one = text("channel")) {
    names.emplace_back(*one);
  } else {
    return problem(400, "channel or channels is missing");
  }
  bool encrypted = false;
  for (std::string& channel : names) {
    const auto kind = channel_kind(channel);
    if (!kind)
      return problem(400, fmt::format("'{}' is not a channel's name", channel.substr(0, 200)));
    if (kind->engine)
      return problem(403, "private-presence and private-presence.* are the server's own");
    encrypted = encrypted || kind->encrypted;
    // Named twice it is heard once.
    if (std::none_of(out.channels.begin(), out.channels.end(),
                     [&](const auto& named) { return named.first == channel; }))
      out.channels.emplace_back(std::move(channel), *kind);
  }
  if (encrypted && out.channels.size() > 1)
    return problem(400, "an event for an encrypted channel goes to that channel alone");
  if (const json::value* socket = o.if_contains("socket_id"); socket && !socket->is_null()) {
    out.except = socket->is_string() ? parse_socket_id(socket->get_string()) : 0;
    if (out.except == 0) return problem(400, "socket_id is two numbers joined by a dot");
  }
  if (const json::value* info = o.if_contains("info")) read_info(*info, out.info);
  return std::nullopt;
}

/// Each channel gets what applies to it.
json::object attributes(const Hub::ChannelInfo& channel, const Info& asked) {
  json::object out;
  if (asked.user_count && channel.presence) out["user_count"] = channel.users;
  if (asked.subscription_count) out["subscription_count"] = channel.subscriptions;
  return out;
}

/// Of a channel that may be empty: its kind is known from its name.
json::object attributes(App& app, const std::string& name, const ChannelKind& kind,
                        const Info& asked) {
  auto channel = app.hub().channel(name);
  channel.presence = kind.presence;
  return attributes(channel, asked);
}

void publish(App& app, const Publish& p) {
  for (const auto& [channel, kind] : p.channels)
    app.hub().publish_event(channel, kind, p.name, p.data, p.except);
  // A publish that carries its socket's id is a sign of life of whoever sits there.
  if (p.except != 0 && p.except != ~ConnectionId{0}) app.sessions().touch(p.except);
}

HttpReply events(App& app, const json::value& body, const Parameters& query) {
  Publish p;
  if (auto bad = read_event(app.settings(), body, p)) return *bad;
  if (const std::string* info = find(query, "info")) take_info(*info, p.info);
  publish(app, p);
  if (!p.info.counts()) return ok(json::object{});
  json::object channels;
  for (const auto& [name, kind] : p.channels) channels[name] = attributes(app, name, kind, p.info);
  return ok(json::object{{"channels", std::move(channels)}});
}

HttpReply batch_events(App& app, const json::value& body, const Parameters& query) {
  const json::value* batch = body.is_object() ? body.get_object().if_contains("batch") : nullptr;
  if (batch == nullptr || !batch->is_array() || batch->get_array().empty() ||
      batch->get_array().size() > kEventsABatch)
    return problem(400, "batch is a list of 1 to 10 events");
  std::vector<Publish> all;
  for (const json::value& entry : batch->get_array()) {  // all of it is checked before any is sent
    Publish p;
    if (auto bad = read_event(app.settings(), entry, p)) return *bad;
    if (const std::string* info = find(query, "info")) take_info(*info, p.info);
    all.push_back(std::move(p));
  }
  bool any_info = false;
  for (const Publish& p : all) {
    publish(app, p);
    any_info = any_info || p.info.counts();
  }
  if (!any_info) return ok(json::object{});
  json::array list;
  for (const Publish& p : all)
    list.push_back(attributes(app, p.channels.front().first, p.channels.front().second, p.info));
  return ok(json::object{{"batch", std::move(list)}});
}

HttpReply channels(App& app, const Parameters& query) {
  const std::string* prefix = find(query, "filter_by_prefix");
  Info asked;
  if (auto bad = read_info(query, asked)) return *bad;
  const std::string_view filter = prefix != nullptr ? std::string_view(*prefix) : "";
  if (asked.user_count && !filter.starts_with("presence-"))
    return problem(400, "user_count needs filter_by_prefix=presence-");
  json::object out;
  for (const auto& channel : app.hub().channels(filter))
    out[channel.name] = attributes(channel, asked);
  return ok(json::object{{"channels", std::move(out)}});
}

HttpReply channel(App& app, const std::string& name, const ChannelKind& kind,
                  const Parameters& query) {
  Info asked;
  if (auto bad = read_info(query, asked)) return *bad;
  if (asked.user_count && !kind.presence)
    return problem(400, "user_count is for presence channels");
  if (asked.cache && !kind.cached) return problem(400, "cache is for cache channels");
  auto now = app.hub().channel(name);
  now.presence = kind.presence;
  json::object out = attributes(now, asked);
  out["occupied"] = now.subscriptions != 0;
  if (asked.cache) {
    const auto cached = app.hub().cached(name);
    out["cache"] = cached
                       ? json::value(json::object{{"data", cached->data}, {"ttl", cached->ttl_s}})
                       : json::value(nullptr);
  }
  return ok(out);
}

HttpReply users(App& app, const std::string& name, const ChannelKind& kind,
                const Parameters& query) {
  if (!kind.presence) return problem(400, "users are asked of presence channels");
  const std::string* with_info = find(query, "with_user_info");
  json::array list;
  for (const auto& member : app.hub().members(name)) {
    json::object entry{{"id", member.user_id}};
    if (with_info != nullptr && *with_info == "1") {
      entry["user_info"] = parse_json(member.info).value_or(nullptr);
    }
    list.push_back(std::move(entry));
  }
  return ok(json::object{{"users", std::move(list)}});
}

}  // namespace

HttpReply pusher_api(App& app, const HttpRequest& request, std::string_view rest,
                     std::int64_t now_s) {
  const SignedRequest signed_request{request.method, request.path, request.query, request.body};
  // What is asked is read from what was signed, never from the query as it was written.
  const auto query =
      signed_parameters(signed_request, app.settings().key, app.settings().secret, now_s);
  if (!query) return problem(401, query.error().detail);
  if (!app.settings().enabled) return problem(403, "the app is disabled");
  const bool get = request.method == "GET" || request.method == "HEAD";
  if (!get && request.method != "POST") return not_allowed("GET, HEAD, POST");
  json::value body;
  if (!get && !request.body.empty()) {
    auto parsed = read_body(request.body, Halves::Taken);
    if (!parsed) return problem(400, parsed.error().detail);
    body = std::move(*parsed);
  }
  if (rest == "/events" && !get) return events(app, body, *query);
  if (rest == "/batch_events" && !get) return batch_events(app, body, *query);
  if (rest == "/channels" && get) return channels(app, *query);
  if (rest == "/connections" && get)
    return ok(json::object{{"connections", app.connections.load()}});
  constexpr std::string_view kChannels = "/channels/", kUsers = "/users/",
                             kTerminate = "/terminate_connections";
  if (get && rest.starts_with(kChannels)) {
    rest.remove_prefix(kChannels.size());
    const bool of_users = rest.ends_with("/users");
    if (of_users) rest.remove_suffix(6);
    const auto name = percent_decode(rest);
    const auto kind = name ? channel_kind(*name) : std::nullopt;
    if (!kind) return problem(400, "that is not a channel's name");
    return of_users ? users(app, *name, *kind, *query) : channel(app, *name, *kind, *query);
  }
  if (!get && rest.starts_with(kUsers) && rest.ends_with(kTerminate)) {
    rest.remove_prefix(kUsers.size());
    const auto user = percent_decode(rest.substr(0, rest.size() - kTerminate.size()));
    if (!user) return problem(400, "the user's id has a broken percent escape");
    if (const auto named = store::check_user_name(*user); !named)
      return problem(400, named.error().detail);
    app.sessions().terminate(*user);
    app.hub().terminate(*user);
    return ok(json::object{});
  }
  return problem(404, "there is no such call");
}

}  // namespace rollcall::net::inline pusher
