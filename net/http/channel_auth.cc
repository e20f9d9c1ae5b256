// Who may enter which channel is said by the app's rules (AppSettings::channels) and by what the
// page needs; the answer is signed as a site's own program would sign it.
#include "net/http/channel_auth.h"

#include "net/http/form_fields.h"
#include "net/wire/pusher_message.h"
#include "net/wire/pusher_signature.h"
#include "store/bytes/crypto.h"

namespace rollcall::net::inline http {
namespace {

bool fits(const ChannelRule& rule, const std::string& channel, const std::string& user,
          const std::optional<std::string>& own) {
  std::string pattern = rule.pattern;
  if (const std::size_t at = pattern.find("{user}"); at != std::string::npos)
    pattern.replace(at, 6, own ? own->substr(kPresenceChannel.size() + 1) : user);
  const bool named = rule.users.empty() ||
                     std::find(rule.users.begin(), rule.users.end(), user) != rule.users.end();
  return named &&
         (pattern.ends_with('*') ? channel.starts_with(pattern.substr(0, pattern.size() - 1))
                                 : channel == pattern);
}

bool may_enter(const AppSettings& settings, const Caller& who, const std::string& channel) {
  const auto own = presence_channel_of(who.user);
  if (!who.user.empty() && own && channel == *own) return true;
  // The page's people may hear what /v1/presence tells them, and enter the rooms there are.
  if (who.by_cookie && who.may("presence:read") &&
      (channel == kPresenceChannel || user_of_presence_channel(channel)))
    return true;
  if (who.user.empty()) return false;
  const auto& rooms = settings.rooms;
  if (who.by_cookie && channel.starts_with(kRoomChannel) &&
      std::find(rooms.begin(), rooms.end(), channel.substr(kRoomChannel.size())) != rooms.end())
    return true;
  return std::any_of(settings.channels.begin(), settings.channels.end(),
                     [&](const ChannelRule& rule) { return fits(rule, channel, who.user, own); });
}

}  // namespace

HttpReply broadcasting_auth(ServerContext& server, const Callers& callers, App& app,
                            const HttpRequest& request, AuthOf of) {
  const auto who = callers.caller(app, request);
  if (!who) {  // 403 is what clients take for a no; counted like a 401 all the same
    if (const auto wait = server.quotas.failed(request.peer)) return too_many(*wait);
    return problem(403, who.error().detail);
  }
  const bool past = callers.of_the_past();
  if (past && of == AuthOf::User)
    return problem(403, "nobody signs in to a replay as a person: subscribe with the token alone");
  if (!past && who->user.empty() && (of == AuthOf::User || !who->by_cookie))
    return problem(403, "a person's token (a JWT with a sub) is needed, not a service's");
  auto read = form_fields(request);
  if (!read) return problem(400, read.error().detail);
  auto& fields = *read;
  const std::string socket_id = fields["socket_id"];
  const ConnectionId id = parse_socket_id(socket_id);
  if (id == 0) return problem(400, "socket_id is two numbers joined by a dot");
  const AppSettings& settings = app.settings();
  const auto sign = [&](const std::string& text) {
    return settings.key + ":" + hmac_hex(settings.secret, text);
  };
  const Voucher voucher{who->name, who->token, who->sign_in,
                        who->by_cookie ? who->latest : who->until};
  HttpReply out;
  if (of == AuthOf::User) {
    app.vouch(id, voucher);
    const std::string user_data = json::serialize(json::object{{"id", who->user}});
    out.body = json::serialize(
        json::object{{"auth", sign(user_string(socket_id, user_data))}, {"user_data", user_data}});
    return out;
  }
  const std::string channel = fields["channel_name"];
  const auto kind = channel_kind(channel);
  if (!kind || !kind->needs_auth) return problem(400, "channel_name is not of a guarded channel");
  if (!past && !may_enter(settings, *who, channel))
    return problem(403, "no rule lets this person into the channel");
  app.vouch(id, voucher);
  json::object answer;
  if (kind->presence) {
    const std::string& user = past ? who->name : who->user;
    const std::string data =
        json::serialize(json::object{{"user_id", user}, {"user_info", json::object{{"id", user}}}});
    answer["auth"] = sign(channel_string(socket_id, channel, data));
    answer["channel_data"] = data;
  } else {
    answer["auth"] = sign(channel_string(socket_id, channel, std::nullopt));
  }
  out.body = json::serialize(answer);
  return out;
}

}  // namespace rollcall::net::inline http
