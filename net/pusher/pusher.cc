// Messages of clients, one function each.
#include "net/pusher/pusher.h"

#include "net/loop/clock.h"
#include "net/presence/app.h"
#include "net/wire/error_reply.h"
#include "net/wire/frame.h"
#include "net/wire/json_text.h"
#include "net/wire/pusher_signature.h"
#include "net/wire/refusals.h"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <algorithm>

namespace rollcall::net::inline pusher {
namespace {

namespace json = boost::json;

constexpr std::int64_t kTouchEveryMs = 1000;
constexpr std::size_t kOwnKeys = 1;  ///< of what a member says; user_info is relayed as it came
constexpr Ticket kSignedIn = 0;      ///< what Sessions holds for a sign-in; no subscription's

std::string string_at(const json::value& data, std::string_view key) {
  if (!data.is_object()) return {};
  const json::value* found = data.get_object().if_contains(key);
  return found != nullptr && found->is_string() ? std::string(found->get_string()) : std::string();
}

std::optional<std::string> optional_at(const json::value& data, std::string_view key) {
  if (!data.is_object()) return std::nullopt;
  const json::value* found = data.get_object().if_contains(key);
  if (found == nullptr || !found->is_string()) return std::nullopt;
  return std::string(found->get_string());
}

Who who(const Connection& connection, std::string user, std::string session) {
  const std::string_view from = connection.from ? std::string_view(*connection.from) : "";
  const std::size_t line = std::min(from.find('\n'), from.size());
  return {std::move(user), std::move(session), std::string(from.substr(0, line)),
          std::string(line < from.size() ? from.substr(line + 1) : "")};
}

/// How the log's refusal looks to a client: its own mistake, or a time when nothing is recorded.
int status_of(const store::Error& error) {
  switch (error.code) {
    case store::Errc::BadInput:
      return 422;
    case store::Errc::Refused:
    case store::Errc::Conflict:
      return 409;
    default:
      return 503;
  }
}

}  // namespace

Identity& Pusher::identity_of(Connection& connection) {
  if (!connection.identity) connection.identity = std::make_unique<Identity>();
  return *connection.identity;
}

std::string Pusher::opened(Connection& connection) {
  ++app_of(connection).connections;
  return frame(Opcode::Text,
               message::connection_established(socket_id_text(connection.id),
                                               app_of(connection).settings().activity_timeout_s));
}

[[gnu::hot]] void Pusher::message(Connection& connection, std::string_view text) {
  // What an idle client says all day, as pusher-js writes it: answered without a parser.
  if (text == R"({"event":"pusher:ping","data":{}})") {
    static const std::string kPong = frame(Opcode::Text, message::pong());
    shard_.send(connection, kPong);
    return;
  }
  const auto message = parse_client_message(text);
  if (!message) {
    shard_.send_message(connection, message::error(std::nullopt, "Invalid message format"));
    return;
  }
  const std::string& event = message->event;
  if (message->twice) {
    shard_.send_message(connection,
                        message::error(std::nullopt, twice_text(*message->twice, "the message")));
    return;
  }
  if (event == "pusher:ping") {
    shard_.send_message(connection, message::pong());
  } else if (event == "pusher:pong") {
    return;
  } else if (event == "pusher:subscribe") {
    subscribe(connection, message->data);
  } else if (event == "pusher:unsubscribe") {
    unsubscribe(connection, message->data);
  } else if (event == "pusher:signin") {
    sign_in(connection, message->data);
  } else if (event.starts_with("client-")) {
    client_event(connection, *message);
  } else {
    shard_.send_message(connection, message::error(std::nullopt, "Unknown event"));
  }
}

void Pusher::subscribe(Connection& connection, const json::value& data) {
  App& app = app_of(connection);
  const AppSettings& settings = app.settings();
  const std::string name = string_at(data, "channel");
  const auto refuse = [&](std::string_view type, std::string_view text, int status) {
    log_refusal(Refused::Subscription, status, text);
    shard_.send_message(connection, message::subscription_error(name.substr(0, kChannelNameMax),
                                                                type, text, status));
  };
  const auto kind = channel_kind(name);
  if (!kind) {
    refuse("ServerError", "not a channel's name", 4009);
    return;
  }
  if (kind->server_to_user) {
    const bool own =
        connection.identity && !connection.identity->user_id.empty() &&
        std::string_view(name).substr(kServerToUser.size()) == connection.identity->user_id;
    if (!own) return refuse("AuthError", "the connection is not signed in as that user", 401);
  }
  std::optional<SignedUser> user;
  if (kind->needs_auth) {
    const std::string auth = string_at(data, "auth");
    const auto channel_data = optional_at(data, "channel_data");
    const std::string socket = socket_id_text(connection.id);
    const auto signed_data = kind->presence && channel_data
                                 ? std::optional<std::string_view>(*channel_data)
                                 : std::nullopt;
    if (!verify_auth(auth, settings.key, settings.secret,
                     channel_string(socket, name, signed_data)))
      return refuse("AuthError", "the signature does not fit this connection and channel", 401);
    if (kind->presence) {
      if (channel_data) {
        if (const auto twice = key_twice(*channel_data, kOwnKeys))
          return refuse("AuthError", twice_text(*twice, "channel_data"), 401);
        user = parse_channel_data(*channel_data);
        if (!user) return refuse("AuthError", "channel_data is not an object with a user_id", 401);
      } else if (connection.identity && !connection.identity->user_id.empty()) {
        user.emplace();
        user->id = connection.identity->user_id;
        user->info = connection.identity->user_info;
        user->session = connection.identity->session;
      } else {
        return refuse("AuthError", "a presence channel needs channel_data or a sign-in", 401);
      }
      if (user->id.size() > settings.user_id_max)
        return refuse("LimitReached", "the user_id is too long", 4301);
      if (const auto named = store::check_user_name(user->id); !named)
        return refuse("AuthError", named.error().detail, 401);
      if (user->info.size() > settings.user_info_max)
        return refuse("LimitReached", "the user_info is too big", 4301);
    }
  }
  if (kind->needs_auth) connection.authorized = true;
  if (Subscription* existing = Shard::subscription(connection, name)) {
    // Idempotent: the success again, with the members as they are now.
    if (existing->channel == nullptr) return;
    const auto snapshot = app.hub().snapshot(name);
    shard_.send_message(connection, snapshot ? *snapshot : message::subscription_succeeded(name));
    return;
  }
  if (connection.subscriptions.size() >= settings.channels_max)
    return refuse("LimitReached", "the connection is in as many channels as it may be", 4100);
  const bool logged = kind->presence && app.attends(name);
  // Whoever leaves and comes again writes to the log as somebody who calls the API does.
  constexpr double kBurst = 5;  // seconds' worth at once
  if (logged && connection.identity && connection.identity->has_left)
    if (const auto wait = comings_.take(settings.id + "\n" + user->id, 1,
                                        shard_.settings().callers.writes_per_s, kBurst))
      return refuse("LimitReached",
                    fmt::format("comes and goes more often than it may: again in {} s", *wait),
                    4301);
  const Ticket ticket = shard_.await_place(connection, name);
  if (!kind->presence || settings.replay) {  // of the past, nobody who listens is a member
    app.hub().subscribe(connection.id, ticket, name, *kind, nullptr, 0);
    return;
  }
  Identity& me = identity_of(connection);
  me.members.push_back({name, user->id, user->session, logged, ticket, string_at(data, "auth")});
  const ConnectionId id = connection.id;
  app.hub().speaks_as(id, user->id);  // before the log says so: a termination meets it
  const Hub::Member member{user->id, user->info};
  // The member is shown once the log says so: who joined, when, survives a crash.
  app.sessions().attach(
      id, ticket, who(connection, user->id, user->session), logged ? name : std::string(),
      [&app, id, ticket, name, kind = *kind, member,
       logged](const store::Result<engine::Seq>& seq) {
        if (!seq) {
          const std::string why = public_detail(seq.error(), app.layout().app_dir.native(), false);
          app.hub().refuse(
              id, ticket, name,
              message::subscription_error(name, "ServerError", why, status_of(seq.error())));
          return;
        }
        const auto full = app.hub().subscribe(id, ticket, name, kind, &member, logged ? *seq : 0);
        if (!full) return;
        log_refusal(Refused::Subscription, 4100, *full);
        app.hub().refuse(id, ticket, name,
                         message::subscription_error(name, "LimitReached", *full, 4100));
      });
}

void Pusher::unsubscribe(Connection& connection, const json::value& data) {
  const std::string name = string_at(data, "channel");
  const Subscription* subscription = Shard::subscription(connection, name);
  if (subscription == nullptr) return;
  const Ticket ticket = subscription->ticket;
  shard_.detach(connection, name);
  App& app = app_of(connection);
  const ConnectionId id = connection.id;
  const auto member = take_member(connection, ticket);
  if (!member) {
    app.hub().unsubscribe(id, ticket, name, 0);
    return;
  }
  if (member->logged) connection.identity->has_left = true;
  app.sessions().detach(id, ticket, member->logged ? name : std::string(),
                        [&app, id, ticket, name](const store::Result<engine::Seq>& seq) {
                          app.hub().unsubscribe(id, ticket, name, seq ? *seq : 0);
                        });
}

std::optional<Identity::Member> Pusher::take_member(Connection& connection, Ticket ticket) {
  if (!connection.identity) return std::nullopt;
  auto& members = connection.identity->members;
  const auto it = std::find_if(members.begin(), members.end(),
                               [&](const Identity::Member& m) { return m.ticket == ticket; });
  if (it == members.end()) return std::nullopt;
  Identity::Member out = std::move(*it);
  members.erase(it);
  app_of(connection).hub().speaks_no_more(connection.id, out.user_id);
  return out;
}

void Pusher::sign_in(Connection& connection, const json::value& data) {
  App& app = app_of(connection);
  const AppSettings& settings = app.settings();
  const std::string auth = string_at(data, "auth");
  const std::string user_data = string_at(data, "user_data");
  const auto refuse = [&](std::string_view why) {
    log_refusal(Refused::SignIn, 4009, why);
    shard_.send_message(connection, message::error(4009, why));
  };
  if (settings.replay) return refuse("nobody signs in to a replay as a person");
  if (!verify_auth(auth, settings.key, settings.secret,
                   user_string(socket_id_text(connection.id), user_data)))
    return refuse("Invalid sign-in signature");
  if (const auto twice = key_twice(user_data, kOwnKeys))
    return refuse(twice_text(*twice, "user_data"));
  auto user = parse_user_data(user_data);
  if (!user) return refuse("user_data is not an object with a non-empty string id");
  if (user->id.size() > settings.user_id_max) return refuse("the user id is too long");
  if (const auto named = store::check_user_name(user->id); !named)
    return refuse(named.error().detail);
  Identity& me = identity_of(connection);
  if (!me.user_id.empty() && me.user_id != user->id)
    return refuse("the connection is signed in as another user");
  const bool again = me.user_id == user->id;
  const bool over = user->watchlist.size() > settings.watchlist_max;
  if (over) user->watchlist.resize(settings.watchlist_max);
  if (!settings.watchlist) user->watchlist.clear();
  const ConnectionId id = connection.id;
  if (again) app.hub().signed_out(id, me.user_id, me.watchlist);
  me.user_id = user->id;
  me.user_info = user->info;
  me.session = user->session;
  me.watchlist = user->watchlist;
  connection.authorized = true;
  app.hub().signed_in(id, me.user_id, me.watchlist);
  if (again) {
    shard_.send_message(connection, message::signin_success(user_data));
    app.sessions().attach(id, kSignedIn, who(connection, me.user_id, me.session), {},
                          [](const store::Result<engine::Seq>&) {});
    return;
  }
  app.sessions().attach(
      id, kSignedIn, who(connection, me.user_id, me.session), {},
      [&app, id, user_data, over, most = settings.watchlist_max,
       watchlist = me.watchlist](const store::Result<engine::Seq>& seq) {
        if (!seq) {
          // Presence that is not recorded would be wrong. Later it may be, but not if the log
          // refuses this user: who then came again would do so for ever.
          if (status_of(seq.error()) == 503)
            app.hub().close(id, 4100, "presence cannot be recorded just now");
          else
            app.hub().close(id, 4009, seq.error().detail);
          return;
        }
        app.hub().tell(id, message::signin_success(user_data));
        if (over)
          app.hub().tell(id,
                         message::error(4302, fmt::format("the watchlist is longer than {}: the "
                                                          "first {} are watched",
                                                          most, most)));
        app.broadcast().tell_watchlist(id, watchlist, [&app](const std::string& watched) {
          const auto reading = app.live().reading();
          return reading ? reading->vault().number_of(watched) : std::nullopt;
        });
      });
}

bool Pusher::spend_token(Connection& connection) {
  Identity& me = identity_of(connection);
  const double rate = app_of(connection).settings().client_events_per_s;
  const std::int64_t now = steady_ms();
  if (me.tokens_at_ms == 0)
    me.tokens = rate;
  else
    me.tokens =
        std::min(rate, me.tokens + rate * static_cast<double>(now - me.tokens_at_ms) / 1000);
  me.tokens_at_ms = now;
  if (me.tokens < 1) return false;
  me.tokens -= 1;
  return true;
}

void Pusher::touch(Connection& connection) {
  Identity* me = connection.identity.get();
  if (me == nullptr || (me->user_id.empty() && me->members.empty())) return;
  const std::int64_t now = steady_ms();
  if (me->touched_at_ms != 0 && now - me->touched_at_ms < kTouchEveryMs) return;
  me->touched_at_ms = now;
  app_of(connection).sessions().touch(connection.id);
}

void Pusher::client_event(Connection& connection, const ClientMessage& m) {
  App& app = app_of(connection);
  const AppSettings& settings = app.settings();
  const auto refuse = [&](int code, std::string_view why) {
    log_refusal(Refused::ClientEvent, code, why);
    shard_.send_message(connection, message::error(code, why));
  };
  const auto kind = channel_kind(m.channel);
  const bool signal = m.event == "client-rollcall-active" || m.event == "client-rollcall-away";
  if (!kind) return refuse(4301, "a client event needs a channel");
  if (m.event.size() > kEventNameMax) return refuse(4301, "the event's name is too long");
  if (m.raw_data.size() > settings.event_max) return refuse(4301, "the event's data is too big");
  if (!spend_token(connection))
    return refuse(4301, fmt::format("Rate limit exceeded: {} client events a second",
                                    settings.client_events_per_s));
  const Subscription* subscription = Shard::subscription(connection, m.channel);
  const bool member = subscription != nullptr && subscription->channel != nullptr;
  if (signal) {
    // Consumed here, on any channel the user may send to, one's own presence channel included.
    if (!member || (!kind->client_events() && !kind->engine))
      return refuse(4301, "only a subscriber of a private or presence channel says so");
    if (m.event == "client-rollcall-away")
      app.sessions().hint_away(connection.id);
    else
      touch(connection);
    return;
  }
  if (settings.client_events == ClientEvents::None)
    return refuse(4301, "client events are not enabled for this app");
  if (!kind->client_events() &&
      !(settings.client_events == ClientEvents::All && !kind->needs_auth && !kind->server_to_user))
    return refuse(4301, "client events are for private and presence channels");
  if (!member) return refuse(4301, "only a subscriber of the channel may send to it");
  const std::string* user = nullptr;
  if (kind->presence && connection.identity) {
    for (const auto& me : connection.identity->members)
      if (me.channel == m.channel) user = &me.user_id;
  }
  app.hub().client_event(m.channel, m.event, std::string(m.raw_data), user, connection.id);
  touch(connection);
}

void Pusher::closed(Connection& connection, End end) {
  App& app = app_of(connection);
  --app.connections;
  const ConnectionId id = connection.id;
  app.vouched().forget(id);
  const Identity* me = connection.identity.get();
  std::vector<Identity::Member> members;
  if (me != nullptr) {
    if (!me->user_id.empty()) app.hub().signed_out(id, me->user_id, me->watchlist);
    members = me->members;
  }
  for (const Subscription& s : connection.subscriptions) {
    if (!take_member(connection, s.ticket)) app.hub().unsubscribe(id, s.ticket, name_of(s), 0);
  }
  if (me == nullptr || (me->user_id.empty() && members.empty())) return;
  std::vector<Sessions::Attended> attended;
  for (const Identity::Member& m : members)
    if (m.logged) attended.push_back({m.channel, m.user_id, m.ticket});
  const LinkEnd how = end == End::Clean     ? LinkEnd::Clean
                      : end == End::Timeout ? LinkEnd::Timeout
                      : end == End::Drain   ? LinkEnd::Drain
                                            : LinkEnd::Abort;
  app.sessions().gone(id, how, std::move(attended),
                      [&app, id, members](const store::Result<engine::Seq>& seq) {
                        for (const Identity::Member& m : members)
                          app.hub().unsubscribe(id, m.ticket, m.channel, seq ? *seq : 0);
                      });
}

void Pusher::refused(Connection& connection, const std::string& channel, Ticket ticket) {
  const auto member = take_member(connection, ticket);
  if (!member) return;
  // Refused by the hub, or by a log that may have it all the same: what holds it is let go.
  app_of(connection)
      .sessions()
      .detach(connection.id, ticket, member->logged ? channel : std::string(),
              [](const store::Result<engine::Seq>&) {});
}

void Pusher::fell_behind(Connection& connection, const std::string& channel) {
  App& app = app_of(connection);
  shard_.send_message(connection,
                      message::event("rollcall:missed", channel,
                                     fmt::format("{{\"resumes\":{}}}", app.board().seq())));
  if (const auto snapshot = app.hub().snapshot(channel)) {
    shard_.send_message(connection, *snapshot);
  } else if (const auto cached = app.hub().cached_message(channel)) {
    shard_.send_message(connection, *cached);
  } else if (channel == kPresenceChannel || user_of_presence_channel(channel)) {
    app.broadcast().tell_newest(connection.id, channel);
  }
}

}  // namespace rollcall::net::inline pusher
