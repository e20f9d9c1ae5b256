// The endpoints of /v1 and their types.
#pragma once

#include "net/presence/person.h"
#include "net/v1/call.h"
#include "net/v1/catchup.h"
#include "replay/question/presence.h"

namespace rollcall::net::inline v1 {

struct Empty {};
BOOST_DESCRIBE_STRUCT(Empty, (), ())

struct LoginRequest {
  std::string user;
  std::optional<std::string> session, address, agent, device, socket_id;
};
BOOST_DESCRIBE_STRUCT(LoginRequest, (), (user, session, address, agent, device, socket_id))

struct ActivityRequest {
  std::string user;
  std::optional<std::string> session, action, target_type, target_id, description, batch, address,
      agent, device, socket_id;
  std::optional<json::object> properties, changes;
};
BOOST_DESCRIBE_STRUCT(ActivityRequest, (),
                      (user, session, action, target_type, target_id, description, batch, address,
                       agent, device, socket_id, properties, changes))

struct StatusRequest {
  std::string user;
  std::optional<std::string> as, text, emoji, until;
  std::optional<bool> do_not_disturb;
};
BOOST_DESCRIBE_STRUCT(StatusRequest, (), (user, as, text, emoji, until, do_not_disturb))

struct Written {
  std::uint64_t seq;
  std::string outcome, user, presence;
  std::optional<bool> repeated;
};
BOOST_DESCRIBE_STRUCT(Written, (), (seq, outcome, user, presence, repeated))

struct PresenceRequest {
  std::vector<std::string> state;
  std::optional<std::string> users;  ///< replay::names_in()
  std::vector<std::string> user;     ///< the same, one each
  std::optional<std::uint64_t> limit;
};
BOOST_DESCRIBE_STRUCT(PresenceRequest, (), (state, users, user, limit))

using replay::GapRow;

struct People {
  std::uint64_t seq = 0, online = 0, away = 0;
  std::vector<Person> people;
  std::optional<GapRow> gap;  ///< that the moment asked about lies in
};
BOOST_DESCRIBE_STRUCT(People, (), (seq, online, away, people, gap))

struct PersonRequest {
  std::string user;
};
BOOST_DESCRIBE_STRUCT(PersonRequest, (), (user))

struct CatchupRequest {
  std::string channel, socket_id, auth;
  std::uint64_t after = 0;
};
BOOST_DESCRIBE_STRUCT(CatchupRequest, (), (channel, socket_id, auth, after))

struct LogPlace {
  std::string origin;      ///< of its checkpoints
  std::uint64_t size = 0;  ///< events that are durable
  std::string last_at;     ///< RFC 3339, of the last of them
  bool reads_need_reason = false;
};
BOOST_DESCRIBE_STRUCT(LogPlace, (), (origin, size, last_at, reads_need_reason))

struct HealthResponse {
  std::string health;
  bool writable = true;
  bool signing = true;  ///< false: the key is damaged or missing
  std::optional<std::string> problem;
  /// How far the log's time is ahead of a wall clock that was set back: it loses a tenth of what
  /// passes.
  std::uint64_t clock_ahead_seconds = 0;
  std::optional<GapRow> last_gap;  ///< before this start, or while the clock jumped ahead
};
BOOST_DESCRIBE_STRUCT(HealthResponse, (),
                      (health, writable, signing, problem, clock_ahead_seconds, last_gap))

[[nodiscard]] GapRow gap_row(const store::Gap& gap);

struct LoginEndpoint {
  static constexpr Attributes kRoute{"POST", "/v1/login", "events:write", "A user comes in"};
  using Request = LoginRequest;
  using Response = Written;
  static Answer<Response> run(Call call, Request request);
};
struct ActivityEndpoint {
  static constexpr Attributes kRoute{"POST", "/v1/activity", "events:write",
                                     "A user does something"};
  using Request = ActivityRequest;
  using Response = Written;
  static Answer<Response> run(Call call, Request request);
};
struct LogoutEndpoint {
  static constexpr Attributes kRoute{"POST", "/v1/logout", "events:write",
                                     "A user leaves: one session, or all where none is named"};
  using Request = LoginRequest;
  using Response = Written;
  static Answer<Response> run(Call call, Request request);
};
struct StatusEndpoint {
  static constexpr Attributes kRoute{"POST", "/v1/status", "events:write",
                                     "Set or clear a user's status"};
  using Request = StatusRequest;
  using Response = Written;
  static Answer<Response> run(Call call, Request request);
};
struct PresenceEndpoint {
  static constexpr Attributes kRoute{"GET", "/v1/presence", "presence:read", "Who is here"};
  using Request = PresenceRequest;
  using Response = People;
  static Answer<Response> run(Call call, Request request);
};
struct PersonEndpoint {
  static constexpr Attributes kRoute{"GET", "/v1/presence/{user}", "presence:read",
                                     "One user's presence"};
  using Request = PersonRequest;
  using Response = Person;
  static Answer<Response> run(Call call, Request request);
};
/// Authorized by the channel's own signature: no token.
struct CatchupEndpoint {
  static constexpr Attributes kRoute{"GET", "/v1/catchup", "",
                                     "What the holder of a live subscription missed"};
  using Request = CatchupRequest;
  using Response = CatchupResponse;
  static Answer<Response> run(Call call, Request request);
};
struct LogEndpoint {
  static constexpr Attributes kRoute{"GET", "/v1/log", "audit:read", "How far the log has come"};
  using Request = Empty;
  using Response = LogPlace;
  static Answer<Response> run(Call call, Request request);
};
struct HealthEndpoint {
  static constexpr Attributes kRoute{"GET", "/v1/health", "",
                                     "Whether the server reads and writes"};
  using Request = Empty;
  using Response = HealthResponse;
  static Answer<Response> run(Call call, Request request);
};

using Endpoints = boost::mp11::mp_list<LoginEndpoint, ActivityEndpoint, LogoutEndpoint,
                                       StatusEndpoint, PresenceEndpoint, PersonEndpoint,
                                       CatchupEndpoint, LogEndpoint, HealthEndpoint>;

}  // namespace rollcall::net::inline v1
