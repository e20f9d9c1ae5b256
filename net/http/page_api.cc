// The page's endpoints; what they write are activities like any other.
#include "net/http/page_api.h"

#include "net/access/page_login.h"
#include "net/v1/offload.h"
#include "net/wire/channel_name.h"
#include "net/wire/pusher_signature.h"
#include "replay/read_log.h"
#include "store/bytes/bytes.h"
#include "store/log/checkpoints.h"
#include "store/log/event_clock.h"

namespace rollcall::net::inline http {
namespace {

using store::Errc;
using store::Error;
using store::Result;

std::optional<Error> room_fault(const Call& call, const std::string& room) {
  const auto& rooms = call.app.settings().rooms;
  if (std::find(rooms.begin(), rooms.end(), room) == rooms.end())
    return Error{Errc::NotFound, "there is no such room: `rooms` in rollcall.toml names them"};
  return std::nullopt;
}

std::optional<Error> speech_fault(const Call& call, const std::string& room,
                                  const std::string& text) {
  if (auto fault = room_fault(call, room)) return fault;
  if (call.caller.user.empty())
    return Error{Errc::NotPermitted, "a person says something, not a service: sign in as somebody"};
  if (text.empty() || text.size() > kMessageMax)
    return Error{Errc::BadInput, "text is 1 to 4000 bytes"};
  return std::nullopt;
}

ActivityRequest in_room(const Call& call, const std::string& room, std::string action,
                        std::string text) {
  ActivityRequest out;
  out.user = call.caller.user;
  out.action = std::move(action);
  out.target_type = "room";
  out.target_id = room;
  out.description = std::move(text);
  return out;
}

}  // namespace

Answer<Me> MeEndpoint::run(Call call, Request) {
  if (call.caller.scopes.empty()) co_return Me();  // nobody
  auto work = [&app = call.app, caller = call.caller]() -> Result<Me> {
    Me out;
    out.name = caller.name;
    out.user = caller.user;
    out.app = app.settings().id;
    out.key = app.settings().key;
    out.scopes = caller.scopes;
    out.rooms = app.settings().rooms;
    if (const auto keys = store::trusted_keys(app.layout()); keys && !keys->empty())
      out.vkey = keys->front().vkey();
    out.replay = app.playback() != nullptr;
    if (const auto reading = out.replay ? nullptr : app.live().reading())
      if (const auto needed = replay::reads_need_reason(reading->log()))
        out.reads_need_reason = *needed;
    return out;
  };
  co_return co_await offload<Me>(call, std::move(work));
}

Answer<Messages> MessagesEndpoint::run(Call call, Request r) {
  if (const auto fault = room_fault(call, r.room)) co_return *fault;
  auto work = [&app = call.app, r]() -> Result<Messages> {
    const auto found =
        app.rooms().history(r.room, r.after.value_or(0), r.before.value_or(~std::uint64_t{0}),
                            std::min<std::uint64_t>(r.limit.value_or(50), 500));
    if (!found) return found.error();
    return Messages{*found};
  };
  co_return co_await offload<Messages>(call, std::move(work));
}

Answer<Written> PostEndpoint::run(Call call, Request r) {
  if (const auto fault = speech_fault(call, r.room, r.text)) co_return *fault;
  if (r.client_id && r.client_id->size() > 64)
    co_return Error{Errc::BadInput, "client_id is at most 64 bytes"};
  ActivityRequest activity = in_room(call, r.room, "message.posted", std::move(r.text));
  if (r.client_id) activity.properties = json::object{{"client_id", *r.client_id}};
  co_return co_await ActivityEndpoint::run(call, std::move(activity));
}

Answer<Written> EditEndpoint::run(Call call, Request r) {
  if (const auto fault = speech_fault(call, r.room, r.text)) co_return *fault;
  const auto id = store::parse_decimal(r.id).value_or(0);
  auto find = [&app = call.app, room = r.room, id, user = call.caller.user]() -> Result<bool> {
    const auto reading = app.live().reading();
    if (!reading) return Error{Errc::Io, "the log is being opened anew: try again"};
    const auto whose = Rooms::author(*reading, room, id);
    if (!whose) return whose.error();
    const auto me = reading->vault().number_of(user);
    return me && *me == *whose;
  };
  const auto own = co_await offload<bool>(call, std::move(find));
  if (!own) co_return own.error();
  if (!*own) co_return Error{Errc::NotPermitted, "only one's own messages can be edited"};
  ActivityRequest activity = in_room(call, r.room, "message.edited", std::move(r.text));
  activity.properties = json::object{{"message", id}};
  co_return co_await ActivityEndpoint::run(call, std::move(activity));
}

Answer<Seqs> RemoveEndpoint::run(Call call, Request r) {
  if (const auto fault = room_fault(call, r.room)) co_return *fault;
  if (call.caller.user.empty())
    co_return Error{Errc::NotPermitted, "a person removes a message, not a service"};
  auto work = [&app = call.app, room = r.room, id = store::parse_decimal(r.id).value_or(0),
               by = call.caller.user, any = call.caller.may("admin")](
                  store::Writer& writer, engine::Micros at) -> Result<Seqs> {
    const auto seq = app.rooms().remove(writer, room, id, by, any, at);
    if (!seq) return seq.error();
    return Seqs{*seq};
  };
  auto read_up = [&app = call.app]() -> Result<bool> {
    RC_TRY(app.rooms().read_up());
    return true;
  };
  const auto ready = co_await offload<bool>(call, std::move(read_up));
  if (!ready) co_return ready.error();
  co_return co_await with_writer<Seqs>(call, std::move(work));
}

Answer<Watch> WatchEndpoint::run(Call call, Request r) {
  const AppSettings& settings = call.app.settings();
  const auto watch = open_watch(r.token, settings.secret, store::wall_now() / 1'000'000);
  // Whoever holds a page has its token: those who show it are told apart by where they are.
  const auto let_in = call.quotas.let_in(
      watch.has_value(), "watch\n" + settings.id + "\n" + limit_key(call.http.peer), call.http.peer,
      "the watch token is not of this app, or has run out");
  if (!let_in) co_return let_in.error();
  const std::string& user = watch->user;
  const auto channel = presence_channel_of(user);
  if (!channel) co_return Error{Errc::BadInput, "the name is too long for a channel of its own"};
  Watch out;
  out.key = settings.key;
  out.channel = *channel;
  auto find = [&app = call.app, user]() -> Result<Person> {
    const auto reading = app.live().reading();
    if (!reading) return Error{Errc::Io, "the log is being opened anew: try again"};
    const auto number = reading->vault().number_of(user);
    const auto row = number ? app.board().of(*number) : std::nullopt;
    if (row) return person_of(*reading, *number, user, *row, false, app.settings().last_seen);
    Person nobody;
    nobody.user = user;
    nobody.state = "offline";
    return nobody;
  };
  auto found = co_await offload<Person>(call, std::move(find));
  if (!found) co_return found.error();
  out.person = std::move(*found);
  if (r.socket_id) {
    const ConnectionId id = parse_socket_id(*r.socket_id);
    if (id == 0) co_return Error{Errc::BadInput, "socket_id is two numbers joined by a dot"};
    call.app.vouch(id, {"watch:" + user, {}, {}, watch->until});
    out.auth = settings.key + ":" +
               hmac_hex(settings.secret, channel_string(*r.socket_id, *channel, std::nullopt));
  }
  co_return out;
}

}  // namespace rollcall::net::inline http
