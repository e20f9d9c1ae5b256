// What the endpoints of /v1 do.
#include "net/v1/endpoints.h"

#include "net/access/tokens.h"
#include "net/hub/shard.h"
#include "net/v1/offload.h"
#include "net/wire/channel_name.h"
#include "net/wire/pusher_signature.h"
#include "replay/read_log.h"
#include "replay/time_text.h"
#include "store/bytes/crypto.h"
#include "store/log/event_clock.h"

#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <set>
#include <utility>

namespace rollcall::net::inline v1 {
namespace {

using store::Errc;
using store::Error;
using store::Result;

/// Who is told how somebody is, though he hides: he himself and auditors.
bool sees_inside(const Caller& caller, const std::string& user) {
  return caller.user == user || caller.may("audit:read");
}

/// The write, awaited: resumes on the connection's thread once it is durable.
boost::asio::awaitable<Result<WriteReply>> durable(Call& call, Write write) {
  auto out = std::make_shared<Result<WriteReply>>(Error{Errc::Io, "no answer"});
  // Named and moved: g++ 12 destroys a temporary that is passed to a coroutine twice.
  auto begin = [&call, out, &write](auto handler) {
    auto shared = std::make_shared<decltype(handler)>(std::move(handler));
    call.app.sessions().write(std::move(write),
                              [out, shared, &loop = call.loop](const Result<WriteReply>& reply) {
                                *out = reply;
                                loop.post([shared] { std::move (*shared)(); });
                              });
  };
  co_await boost::asio::async_initiate<decltype(boost::asio::use_awaitable), void()>(
      std::move(begin), boost::asio::use_awaitable);
  co_return *out;
}

/// What everybody's writes share: who asks, under which key, from which connection.
Result<void> prepare(const Call& call, const std::optional<std::string>& socket_id, Write& write) {
  write.scope = call.caller.name;
  write.idempotency_key = std::string(call.http.header("idempotency-key"));
  if (write.idempotency_key.size() > 255)
    return Error{Errc::BadInput, "Idempotency-Key is at most 255 bytes"};
  write.request_digest =
      store::hex(store::sha256({store::as_bytes(call.http.path), store::as_bytes(call.http.body)}));
  if (socket_id) {
    write.connection = parse_socket_id(*socket_id);
    if (write.connection == 0)
      return Error{Errc::BadInput, "socket_id is two numbers joined by a dot"};
  }
  if (!call.caller.user.empty() && call.caller.user != write.user)
    return Error{Errc::NotPermitted, "a person's token writes for that person alone"};
  return store::check_user_name(write.user);
}

/// What every request says of who and from where.
template <class Request>
Write write_by(engine::Kind kind, const Request& r) {
  Write w;
  w.kind = kind;
  w.user = r.user;
  w.session = r.session.value_or("");
  w.body.address = r.address.value_or("");
  w.body.agent = r.agent.value_or("");
  w.body.device = r.device.value_or("");
  return w;
}

boost::asio::awaitable<Result<Written>> written(Call& call, Write write) {
  const std::string user = write.user;
  write.sees_inside = sees_inside(call.caller, user);
  const auto reply = co_await durable(call, std::move(write));
  if (!reply) co_return reply.error();
  Written out{reply->seq, reply->outcome, user, reply->presence, std::nullopt};
  if (reply->repeated) out.repeated = true;
  co_return out;
}

/// Only who holds a live subscription may ask what it missed, and shows the signature it came with.
boost::asio::awaitable<bool> holds_subscription(Call& call, const CatchupRequest& r) {
  const ConnectionId id = parse_socket_id(r.socket_id);
  const AppSettings& settings = call.app.settings();
  const auto kind = channel_kind(r.channel);
  if (id == 0 || !kind || !kind->needs_auth) co_return false;
  const bool fits = !kind->presence && verify_auth(r.auth, settings.key, settings.secret,
                                                   channel_string(r.socket_id, r.channel, {}));
  const auto found = std::make_shared<bool>(false);
  auto begin = [&call, &r, id, fits, found](auto handler) {
    auto shared = std::make_shared<decltype(handler)>(std::move(handler));
    call.app.with_connection(id, [found, fits, shared, &loop = call.loop, name = r.channel,
                                  auth = r.auth](Connection* connection) {
      if (connection != nullptr) {
        const Subscription* s = Shard::subscription(*connection, name);
        const bool member = s != nullptr && s->channel != nullptr;
        if (member && fits) *found = true;
        if (member && connection->identity)
          for (const auto& m : connection->identity->members)
            if (m.channel == name && !m.auth.empty() &&
                store::equal_constant_time(store::as_bytes(m.auth), store::as_bytes(auth)))
              *found = true;
      }
      loop.post([shared] { std::move (*shared)(); });
    });
  };
  co_await boost::asio::async_initiate<decltype(boost::asio::use_awaitable), void()>(
      std::move(begin), boost::asio::use_awaitable);
  co_return *found;
}

}  // namespace

GapRow gap_row(const store::Gap& gap) { return {gap.seq, {gap.from}, {gap.to}}; }

Answer<Written> LoginEndpoint::run(Call call, Request r) {
  Write w = write_by(engine::Kind::Login, r);
  if (const auto ready = prepare(call, r.socket_id, w); !ready) co_return ready.error();
  co_return co_await written(call, std::move(w));
}

Answer<Written> LogoutEndpoint::run(Call call, Request r) {
  Write w = write_by(engine::Kind::Logout, r);
  w.all_sessions = !r.session;
  if (const auto ready = prepare(call, r.socket_id, w); !ready) co_return ready.error();
  co_return co_await written(call, std::move(w));
}

Answer<Written> ActivityEndpoint::run(Call call, Request r) {
  Write w = write_by(engine::Kind::Activity, r);
  w.action = r.action.value_or("");
  w.body.target_type = r.target_type.value_or("");
  w.body.target_id = r.target_id.value_or("");
  w.body.description = r.description.value_or("");
  w.body.batch = r.batch.value_or("");
  if (r.properties) w.body.properties = json::serialize(*r.properties);
  if (r.changes) w.body.changes = json::serialize(*r.changes);
  if (r.action && !store::valid_action(*r.action))
    co_return Error{Errc::BadInput, "an action is 1 to 64 of a-z, 0-9, dot, underscore and dash"};
  if (const auto ready = prepare(call, r.socket_id, w); !ready) co_return ready.error();
  co_return co_await written(call, std::move(w));
}

Answer<Written> StatusEndpoint::run(Call call, Request r) {
  Write w;
  w.user = r.user;
  const std::string as = r.as.value_or("none");
  w.kind = as == "clear" ? engine::Kind::StatusCleared : engine::Kind::StatusSet;
  if (as == "away")
    w.flags = static_cast<std::uint16_t>(engine::Override::Away);
  else if (as == "invisible")
    w.flags = static_cast<std::uint16_t>(engine::Override::Invisible);
  else if (as != "none" && as != "clear")
    co_return Error{Errc::BadInput, "as is away, invisible, none or clear"};
  if (w.kind == engine::Kind::StatusSet) {
    if (r.do_not_disturb.value_or(false)) w.flags |= engine::flag::kDoNotDisturb;
    w.body.status_text = r.text.value_or("");
    w.body.emoji = r.emoji.value_or("");
    if (r.until) {
      const auto until = replay::parse_time(*r.until, store::wall_now());
      if (!until) co_return until.error();
      if (!std::holds_alternative<engine::Micros>(*until))
        co_return Error{Errc::BadInput, "until is a time"};
      w.until = std::get<engine::Micros>(*until);
    }
  }
  if (const auto ready = prepare(call, std::nullopt, w); !ready) co_return ready.error();
  co_return co_await written(call, std::move(w));
}

Answer<People> PresenceEndpoint::run(Call call, Request r) {
  constexpr std::uint64_t kLimitMost = 100'000;
  const std::uint64_t limit = std::min(r.limit.value_or(1000), kLimitMost);
  for (const auto& state : r.state)
    if (state != "any" && state != "online" && state != "away" && state != "offline")
      co_return Error{Errc::BadInput, "state is online, away, offline or any"};
  auto work = [&app = call.app, r, limit, inside = call.caller.may("audit:read"),
               self = call.caller.user]() -> Result<People> {
    const auto reading = app.live().reading();
    if (!reading) return Error{Errc::Io, "the log is being opened anew: try again"};
    const auto is_wanted = [&](engine::Presence shown) {
      return std::any_of(r.state.begin(), r.state.end(), [&](const std::string& state) {
        return state == "any" || state == engine::name_of(shown);
      });
    };
    People out;
    out.seq = app.board().seq();
    const auto counts = app.board().counts();
    out.online = counts.online;
    out.away = counts.away;
    std::vector<std::pair<engine::UserNumber, PresenceRow>> found;
    if (r.users || !r.user.empty()) {
      std::set<engine::UserNumber> seen;
      auto names = r.user;
      for (auto& name : replay::names_in(r.users.value_or(""))) names.push_back(std::move(name));
      for (const auto& name : names) {
        const auto number = reading->vault().number_of(name);
        const auto row = number ? app.board().of(*number) : std::nullopt;
        if (!row || found.size() >= limit || !seen.insert(*number).second) continue;
        const auto shown = inside || self == name ? row->state : row->visible;
        // Those who are named are told whatever their state is, where none is asked for.
        if (r.state.empty() || is_wanted(shown)) found.emplace_back(*number, *row);
      }
    } else {
      app.board().each([&](engine::UserNumber n, const PresenceRow& s) {
        const auto shown = inside ? s.state : s.visible;
        const bool match = r.state.empty() ? shown != engine::Presence::Offline : is_wanted(shown);
        if (match && !s.erased && found.size() < limit) found.emplace_back(n, s);
      });
    }
    for (const auto& [number, row] : found) {
      auto name = reading->vault().name_of(number);
      if (!name) continue;
      const bool own = inside || self == *name;
      out.people.push_back(
          person_of(*reading, number, std::move(*name), row, own, app.settings().last_seen));
    }
    std::sort(out.people.begin(), out.people.end(),
              [](const Person& a, const Person& b) { return a.user < b.user; });
    return out;
  };
  co_return co_await offload<People>(call, std::move(work));
}

Answer<Person> PersonEndpoint::run(Call call, Request r) {
  // Aside, as the words of a status are read from the log.
  auto work = [&app = call.app, user = r.user,
               inside = call.caller.user == r.user ||
                        call.caller.may("audit:read")]() -> Result<Person> {
    const auto reading = app.live().reading();
    if (!reading) return Error{Errc::Io, "the log is being opened anew: try again"};
    const auto number = reading->vault().number_of(user);
    const auto row = number ? app.board().of(*number) : std::nullopt;
    if (!row) return Error{Errc::NotFound, "there is no such user"};
    return person_of(*reading, *number, user, *row, inside, app.settings().last_seen);
  };
  co_return co_await offload<Person>(call, std::move(work));
}

Answer<CatchupResponse> CatchupEndpoint::run(Call call, Request r) {
  const bool holds = co_await holds_subscription(call, r);  // apart: g++ 12 fails on it in an if
  const auto let_in = call.quotas.let_in(
      holds, "catchup\n" + call.app.settings().id + "\n" + r.socket_id, call.http.peer,
      "the connection is not subscribed to the channel with this auth");
  if (!let_in) co_return let_in.error();
  auto work = [&app = call.app, r] { return catch_up(app, r.channel, r.after); };
  co_return co_await offload<CatchupResponse>(call, std::move(work));
}

Answer<LogPlace> LogEndpoint::run(Call call, Request) {
  auto work = [&app = call.app]() -> Result<LogPlace> {
    const auto reading = app.live().reading();
    if (!reading) return Error{Errc::Io, "the log is being opened anew: try again"};
    LogPlace out;
    out.origin = reading->log().origin();
    out.size = reading->log().last();
    const auto last = reading->log().header(out.size);
    if (!last) return last.error();
    out.last_at = replay::rfc3339(*last ? (*last)->at : 0);
    const auto needed = replay::reads_need_reason(reading->log());
    if (!needed) return needed.error();
    out.reads_need_reason = *needed;
    return out;
  };
  co_return co_await offload<LogPlace>(call, std::move(work));
}

Answer<HealthResponse> HealthEndpoint::run(Call call, Request) {
  HealthResponse out;
  out.writable = call.app.live().writable();
  const auto unsigned_because = call.app.signing_problem();
  out.signing = !unsigned_because;
  out.health = !out.writable ? "READ-ONLY" : out.signing ? "OK" : "NOT-SIGNING";
  if (call.caller.may(kServerAdmin)) {
    if (const auto problem = call.app.live().problem())
      out.problem = problem->detail;
    else
      out.problem = unsigned_because;
  }
  out.clock_ahead_seconds =
      static_cast<std::uint64_t>((call.app.live().ahead_of_wall() + 999'999) / 1'000'000);
  if (const auto gap = call.app.live().last_gap()) out.last_gap = gap_row(*gap);
  co_return out;
}

}  // namespace rollcall::net::inline v1
