// What the page asks beyond presence: who it is, the rooms' messages, and watching for other sites.
#pragma once

#include "net/v1/endpoints.h"

namespace rollcall::net::inline http {

struct Me {
  std::string name, user, app, key, vkey;
  std::vector<std::string> scopes, rooms;
  bool reads_need_reason = false;  ///< headers Rollcall-Reason, Rollcall-Ticket
  bool replay = false;             ///< the past is played (POST /v1/replay)
};
BOOST_DESCRIBE_STRUCT(Me, (),
                      (name, user, app, key, vkey, scopes, rooms, reads_need_reason, replay))

struct MessagesRequest {
  std::string room;
  std::optional<std::uint64_t> after, before, limit;
};
BOOST_DESCRIBE_STRUCT(MessagesRequest, (), (room, after, before, limit))

struct Messages {
  std::vector<ChatMessage> messages;
};
BOOST_DESCRIBE_STRUCT(Messages, (), (messages))

struct PostRequest {
  std::string room, text;
  std::optional<std::string> client_id;  ///< the sender's own, given back with the message
};
BOOST_DESCRIBE_STRUCT(PostRequest, (), (room, text, client_id))

struct EditRequest {
  std::string room, id, text;
};
BOOST_DESCRIBE_STRUCT(EditRequest, (), (room, id, text))

struct RemoveRequest {
  std::string room, id;
};
BOOST_DESCRIBE_STRUCT(RemoveRequest, (), (room, id))

struct Seqs {
  std::uint64_t seq = 0;
};
BOOST_DESCRIBE_STRUCT(Seqs, (), (seq))

struct WatchRequest {
  std::string token;
  std::optional<std::string> socket_id;
};
BOOST_DESCRIBE_STRUCT(WatchRequest, (), (token, socket_id))

struct Watch {
  std::string key, channel;
  std::optional<std::string> auth;
  Person person;
};
BOOST_DESCRIBE_STRUCT(Watch, (), (key, channel, auth, person))

struct MeEndpoint {
  static constexpr Attributes kRoute{"GET", "/v1/me", "",
                                     "Who is asking; nothing but empty fields for nobody"};
  using Request = Empty;
  using Response = Me;
  static Answer<Response> run(Call call, Request request);
};
struct MessagesEndpoint {
  static constexpr Attributes kRoute{"GET", "/v1/rooms/{room}/messages", "presence:read",
                                     "What was said in a room, ascending"};
  using Request = MessagesRequest;
  using Response = Messages;
  static Answer<Response> run(Call call, Request request);
};
struct PostEndpoint {
  static constexpr Attributes kRoute{"POST", "/v1/rooms/{room}/messages", "events:write",
                                     "Say something in a room", 600};
  using Request = PostRequest;
  using Response = Written;
  static Answer<Response> run(Call call, Request request);
};
struct EditEndpoint {
  static constexpr Attributes kRoute{"POST", "/v1/rooms/{room}/messages/{id}", "events:write",
                                     "Say it differently: one's own messages"};
  using Request = EditRequest;
  using Response = Written;
  static Answer<Response> run(Call call, Request request);
};
struct RemoveEndpoint {
  static constexpr Attributes kRoute{"DELETE", "/v1/rooms/{room}/messages/{id}", "events:write",
                                     "Drop a message's text: one's own, or any with admin"};
  using Request = RemoveRequest;
  using Response = Seqs;
  static Answer<Response> run(Call call, Request request);
};
/// Authorized by the watch token itself (`rollcall token watch USER`).
struct WatchEndpoint {
  static constexpr Attributes kRoute{"POST", "/v1/watch", "",
                                     "One person for any page: state now, and the live channel"};
  using Request = WatchRequest;
  using Response = Watch;
  static Answer<Response> run(Call call, Request request);
};

using PageEndpoints = boost::mp11::mp_list<MeEndpoint, MessagesEndpoint, PostEndpoint, EditEndpoint,
                                           RemoveEndpoint, WatchEndpoint>;

}  // namespace rollcall::net::inline http
