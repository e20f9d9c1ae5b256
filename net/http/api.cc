// Routing: what is at a path, whether its caller may have it, and the answer.
#include "net/http/api.h"

#include "net/access/static_files.h"
#include "net/http/caller_limits.h"
#include "net/http/channel_auth.h"
#include "net/http/cors.h"
#include "net/http/openapi.h"
#include "net/http/sign_in.h"
#include "net/wire/json_text.h"

#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

namespace rollcall::net::inline http {
namespace {

HttpReply body_of(std::string text) {
  HttpReply out;
  out.body = std::move(text);
  return out;
}

HttpReply no_app() { return problem(404, "say which app: ?app=ID"); }

/// What was there in 0.5, and where its questions are asked now.
HttpReply gone() {
  std::string paths;
  for (const QuestionRoute& route : question_routes())
    paths += fmt::format("{}{} {}", paths.empty() ? "" : ", ", route.attributes.method,
                         route.attributes.path);
  return problem(410, "/v1/command has gone: each question has a path of its own: " + paths);
}

/// The members that the request gives, from its query or its body; or what is wrong with it.
struct Given {
  json::value members = json::object{};
  std::optional<HttpReply> problem;
};

Given given_of(const HttpRequest& request, const EndpointRoute& route, const json::object& values) {
  Given out;
  out.problem = query_problem(request, route.in_query);
  if (out.problem) return out;
  if (route.by_query()) {
    add_query(request, route.in_query, out.members.as_object());
  } else if (!request.body.empty()) {
    auto body = read_body(request.body, Halves::Refused);
    if (!body)
      out.problem = problem(400, body.error().detail);
    else if (!body->is_object())
      out.problem = problem(400, "the body is not a JSON object");
    if (out.problem) return out;
    out.members = std::move(*body);
  }
  for (const auto& value : values) out.members.as_object()[value.key()] = value.value();
  return out;
}

}  // namespace

Api::Api(ServerContext& server) : server_(server), callers_(server), openapi_(make_openapi()) {}

boost::asio::awaitable<HttpReply> Api::answer(const HttpRequest& request, Loop& loop) {
  std::vector<std::pair<std::string, std::string>> cors;
  if (auto bad = origin_problem(server_.settings, request, ReadBy::Fetch, cors)) co_return *bad;
  HttpReply reply;
  if (request.method == "OPTIONS" && !cors.empty())
    reply = preflight_answer();
  else
    reply = co_await routed(request, loop);
  for (auto& header : cors) reply.headers.push_back(std::move(header));
  co_return reply;
}

boost::asio::awaitable<HttpReply> Api::routed(const HttpRequest& request, Loop& loop) {
  const std::string& path = request.path;
  if (path == "/up") co_return body_of(R"({"health":"OK"})");
  if (path == "/openapi.json") co_return body_of(openapi_);
  if (auto page = page_answer(server_.settings.page, request)) co_return std::move(*page);
  const bool login = path == "/login";
  const bool channel_auth = path == "/broadcasting/auth" || path == "/pusher/auth";
  const bool user_auth = path == "/broadcasting/user-auth" || path == "/pusher/user-auth";
  if (login || path == "/logout" || channel_auth || user_auth) {
    App* app = callers_.app_of(request);
    if (app == nullptr) co_return no_app();
    if (request.method != "POST") co_return not_allowed("POST");
    if (login) co_return sign_in(callers_, *app, request);
    if (path == "/logout") co_return sign_out(callers_, *app, request);
    co_return broadcasting_auth(server_, callers_, *app, request,
                                user_auth ? AuthOf::User : AuthOf::Channel);
  }
  if (path == "/v1/command") co_return gone();
  std::string other_methods;
  if (auto asked = find_question(request, other_methods))
    co_return co_await question(request, loop, std::move(*asked));
  const std::string_view method =
      request.method == "HEAD" ? "GET" : std::string_view(request.method);
  for (const EndpointRoute& route : endpoint_routes()) {
    auto values = path_values(route.attributes.path, path);
    if (!values) continue;
    if (route.attributes.method == method)
      co_return co_await endpoint(request, loop, route, std::move(*values));
    const std::string_view allowed = route.by_query() ? "GET, HEAD" : route.attributes.method;
    if (other_methods.find(allowed) != std::string::npos) continue;  // of a question there, too
    if (!other_methods.empty()) other_methods += ", ";
    other_methods += allowed;
  }
  co_return other_methods.empty() ? problem(404, "there is nothing at this path")
                                  : not_allowed(other_methods);
}

boost::asio::awaitable<HttpReply> Api::question(const HttpRequest& request, Loop& loop,
                                                RoutedQuestion asked) {
  App* app = callers_.app_of(request);
  if (app == nullptr) co_return no_app();
  auto who = callers_.caller(*app, request);
  if (!who) co_return nobody(who.error().detail);
  Places::Place place;  // held until the answer is there
  if (auto none = question_place(server_.quotas, share_key(*app, *who, request.peer), place))
    co_return std::move(*none);
  Call call{*app, *who, request, loop, server_.quotas};
  co_return co_await answer_question(call, server_.settings, std::move(asked));
}

boost::asio::awaitable<HttpReply> Api::endpoint(const HttpRequest& request, Loop& loop,
                                                const EndpointRoute& route, json::object values) {
  const Attributes& is = route.attributes;
  App* app = callers_.app_of(request);
  if (app == nullptr) co_return no_app();
  auto who = callers_.caller(*app, request);
  if (proved_wrong(who)) co_return nobody(who.error().detail);
  if (!is.scope.empty()) {
    if (!who) co_return nobody(who.error().detail);
    if (!who->may(is.scope))
      co_return problem(403, fmt::format("this needs the scope {}", is.scope));
  }
  const Caller caller = who ? *who : Caller(request.peer, {}, {});
  const std::string share = share_key(*app, caller, request.peer);
  if (auto over = over_rate(server_.quotas, share, caller, is, request.body.size()))
    co_return std::move(*over);
  Places::Place place;  // held until the answer is there
  if (route.by_query() && !is.scope.empty())
    if (auto none = question_place(server_.quotas, share, place)) co_return std::move(*none);
  Given given = given_of(request, route, values);
  if (given.problem) co_return std::move(*given.problem);
  Call call{*app, caller, request, loop, server_.quotas};
  co_return co_await route.run(call, *server_.workers, std::move(given.members));
}

bool Api::streams(const HttpRequest& request) {
  std::string other_methods;
  return request.path == kStreamPath ||
         (wants_lines(request) && find_question(request, other_methods));
}

HttpReply Api::begin(const HttpRequest& request, StreamForm form, Chunks& chunks) {
  std::vector<std::pair<std::string, std::string>> cors;
  const ReadBy by = form == StreamForm::CapnProto ? ReadBy::WebSocket : ReadBy::Fetch;
  if (auto bad = origin_problem(server_.settings, request, by, cors)) return *bad;
  App* app = callers_.app_of(request);
  if (app == nullptr) return no_app();
  const auto who = callers_.caller(*app, request);
  if (!who) return nobody(who.error().detail);
  HttpReply out;
  std::string other_methods;
  if (auto asked = find_question(request, other_methods)) {
    out = stream_question(*app, server_.settings, *who, request, std::move(*asked), chunks);
  } else if (request.method != "GET") {
    out = not_allowed("GET");
  } else if (auto wrong = query_problem(request, {{"after"}, {"only"}})) {
    out = std::move(*wrong);
  } else if (auto none =
                 stream_place(server_.quotas, share_key(*app, *who, request.peer), *who, chunks)) {
    out = std::move(*none);
  } else {
    out = begin_event_stream(*app, *who, request, form, chunks);
  }
  for (auto& header : cors) out.headers.push_back(std::move(header));
  return out;
}

}  // namespace rollcall::net::inline http
