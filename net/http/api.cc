// Routing by the endpoints' own attributes; who calls; signatures for sites without a back end.
#include "net/http/api.h"

#include "net/access/page_login.h"
#include "net/access/static_files.h"
#include "net/http/page_api.h"
#include "net/v1/admin_api.h"
#include "net/v1/cosign_api.h"
#include "net/v1/offload.h"
#include "net/v1/questions.h"
#include "net/v1/request_values.h"
#include "net/v1/stream.h"
#include "net/v1/tokens_api.h"
#include "net/wire/error_reply.h"
#include "net/wire/json_text.h"
#include "net/wire/jwt.h"
#include "net/wire/pusher_message.h"
#include "net/wire/pusher_signature.h"
#include "store/bytes/crypto.h"
#include "store/log/event_clock.h"
#include "store/writer.h"

#include <boost/asio/use_awaitable.hpp>
#include <spdlog/spdlog.h>

#include <set>

namespace rollcall::net::inline http {
namespace {

using store::Errc;
using store::Error;

using AllEndpoints = boost::mp11::mp_append<Endpoints, PageEndpoints, GovernEndpoints, TokenEndpoints,
                                            boost::mp11::mp_list<CosignEndpoint>>;

/// What a refusal looks like, for /openapi.json.
struct ProblemBody {
  std::string title, detail, error;
  std::uint32_t status = 0;
  std::optional<std::string> code;
};
BOOST_DESCRIBE_STRUCT(ProblemBody, (), (title, status, detail, error, code))

/// Of an answer in which there are lists, and many things therefore: not made into text on a thread
/// that has connections to serve.
template <class T>
constexpr bool holds_list() {
  bool out = false;
  boost::mp11::mp_for_each<Members<T>>([&](auto member) {
    using Field = std::decay_t<decltype(std::declval<T>().*member.pointer)>;
    out = out || is_list<Field>::value;
  });
  return out;
}

std::string make_openapi() {
  json::object paths;
  boost::mp11::mp_for_each<AllEndpoints>([&](auto endpoint) {
    using E = decltype(endpoint);
    constexpr Attributes is = E::kRoute;
    json::object operation{{"summary", is.summary}};
    if (!is.scope.empty())
      operation["security"] = json::array{json::object{{"bearer", json::array{is.scope}}}};
    const json::object request = schema_of<typename E::Request>(replay::Of::Request);
    if (is.method == "GET") {
      json::array parameters;
      for (const auto& property : request.at("properties").as_object()) {
        const bool in_path = is_in_path(is.path, property.key());
        bool required = in_path;
        if (const json::value* list = request.if_contains("required"))
          for (const auto& name : list->as_array())
            required = required || name == json::value(property.key());
        parameters.push_back(json::object{{"name", property.key()},
                                          {"in", in_path ? "path" : "query"},
                                          {"required", required},
                                          {"schema", property.value()}});
      }
      operation["parameters"] = std::move(parameters);
    } else {
      operation["requestBody"] = json::object{
          {"required", true},
          {"content", json::object{{"application/json", json::object{{"schema", request}}}}}};
    }
    const json::object problem_body{
        {"description", "RFC 9457 problem details"},
        {"content",
         json::object{
             {"application/problem+json",
              json::object{{"schema", json::object{{"$ref", "#/components/schemas/Problem"}}}}}}}};
    operation["responses"] = json::object{
        {"200", json::object{{"description", "done"},
                             {"content",
                              json::object{
                                  {"application/json",
                                   json::object{{"schema", schema_of<typename E::Response>()}}}}}}},
        {"default", problem_body}};
    std::string method(is.method);
    for (char& c : method) c = static_cast<char>(c + 32);
    auto& item = paths[is.path];
    if (!item.is_object()) item = json::object{};
    item.as_object()[method] = std::move(operation);
  });
  describe_questions(paths);
  return json::serialize(json::object{
      {"openapi", "3.1.0"},
      {"info", json::object{{"title", "rollcall"}, {"version", "1"}}},
      {"components",
       json::object{
           {"securitySchemes",
            json::object{{"bearer", json::object{{"type", "http"}, {"scheme", "bearer"}}}}},
           {"schemas", json::object{{"Problem", schema_of<ProblemBody>()}}}}},
      {"paths", std::move(paths)}});
}

/// The parameters of an endpoint that stand in its query.
template <class E>
std::vector<QueryName> names_in_query() {
  std::vector<QueryName> out;
  boost::mp11::mp_for_each<Members<typename E::Request>>([&](auto member) {
    using Field = std::decay_t<decltype(std::declval<typename E::Request>().*member.pointer)>;
    if (!is_in_path(E::kRoute.path, member.name))
      out.push_back({member.name, is_list<Field>::value});
  });
  return out;
}

/// Form fields or a JSON object, as clients of either kind send them.
store::Result<std::map<std::string, std::string>> fields_of(const HttpRequest& request) {
  std::map<std::string, std::string> out;
  if (request.header("content-type").starts_with("application/json")) {
    if (request.body.empty()) return out;
    const auto body = read_body(request.body, Halves::Refused);
    if (!body) return body.error();
    if (!body->is_object()) return Error{Errc::BadInput, "the body is not a JSON object"};
    for (const auto& field : body->get_object())
      if (field.value().is_string())
        out[std::string(field.key())] = std::string(field.value().get_string());
  } else if (const auto form = parse_query(request.body)) {
    for (const auto& [key, value] : *form)
      if (!out.emplace(key, value).second)
        return Error{Errc::BadInput,
                     fmt::format("the field '{}' is given twice", key.substr(0, 64))};
  }
  return out;
}

/// What `Bearer` came with (RFC 9110 section 11.1: in any case), be it nothing.
std::optional<std::string_view> bearer_of(std::string_view authorization) {
  constexpr std::string_view kBearer = "bearer";
  const std::size_t space = std::min(authorization.find(' '), authorization.size());
  std::string scheme(authorization.substr(0, space));
  for (char& c : scheme)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  if (scheme != kBearer) return std::nullopt;
  authorization.remove_prefix(std::min(space + 1, authorization.size()));
  return authorization;
}

/// Who came with something that does not open, where somebody may come with nothing.
bool proved_wrong(const store::Result<Caller>& who) {
  return !who && who.error().code != Errc::NotFound;
}

/// What was there in 0.5, and where its questions are asked now.
HttpReply gone() {
  std::string paths;
  for (const QuestionRoute& route : question_routes())
    paths += fmt::format("{}{} {}", paths.empty() ? "" : ", ", route.attributes.method,
                         route.attributes.path);
  return problem(410, "/v1/command has gone: each question has a path of its own: " + paths);
}

HttpReply nobody(std::string_view why) {
  HttpReply out = problem(401, why);
  out.headers.emplace_back("WWW-Authenticate", "Bearer");
  return out;
}

}  // namespace

Api::Api(ServerContext& server)
    : server_(server),
      tokens_(server.settings.data),
      signed_out_(server.settings.data),
      openapi_(make_openapi()) {}

App* Api::app_of(const HttpRequest& request) const {
  const auto query = parse_query(request.query);
  if (const std::string* id = query ? find(*query, "app") : nullptr) return server_.app_by_id(*id);
  return server_.apps.size() == 1 ? server_.apps.front().get() : nullptr;
}

bool Api::still(const std::string& app, const std::string& token, const std::string& sign_in,
                std::int64_t until) const {
  const std::int64_t now = store::wall_now() / 1'000'000;
  return (until == 0 || now < until) && (token.empty() || tokens_.find_id(token, app, now)) &&
         (sign_in.empty() || !signed_out_.contains(sign_in));
}

void Api::end_vouched() {
  for (const auto& app : server_.apps) {
    const auto holds = [&](const Voucher& v) {
      return still(app->settings().id, v.token, v.sign_in, v.until);
    };
    for (const Vouched::Ended& over : app->vouched().take_ended(holds)) {
      if (over.revocable)
        app->hub().close(over.connection, 4009, "the sign-in of this connection has ended");
      else  // pusher-js connects again, and asks its site for another token
        app->hub().close(over.connection, 4200, "the token of this connection has run out");
    }
  }
}

store::Result<Caller> Api::caller(App& app, const HttpRequest& request) const {
  auto out = identified(app, request);
  if (out)
    out->holds = [this, id = app.settings().id, token = out->token, sign_in = out->sign_in,
                  until = out->until] { return still(id, token, sign_in, until); };
  return out;
}

store::Result<Caller> Api::identified(App& app, const HttpRequest& request) const {
  // Whoever the system lets in there: what he sends along makes him nobody else.
  if (request.local) return Caller(request.peer, {std::begin(kScopes), std::end(kScopes)}, {});
  const std::int64_t now = store::wall_now() / 1'000'000;
  const std::string_view authorization = request.header("authorization");
  // Another scheme is a proxy's in front, which passes it on.
  if (const auto bearer = bearer_of(authorization)) {
    const std::string_view token = *bearer;
    if (const auto found = tokens_.find(token, app.settings().id, now)) {
      Caller out("token:" + found->name, found->scopes, {});
      out.token = found->id();
      out.until = out.latest = found->expires;
      return out;
    }
    if (const auto claims = verify_jwt(token, app.settings().jwt, now)) {
      if (const auto named = store::check_user_name(claims->subject); !named)
        return Error{Errc::NotPermitted, "the token's sub is no user: " + named.error().detail};
      Caller out("jwt:" + claims->subject, {"presence:read", "events:write"}, claims->subject);
      // Whoever issues an app's JWTs governs that app at the most.
      for (const auto& scope : claims->scopes)
        if (scope != kServerAdmin) out.scopes.push_back(scope);
      out.until = out.latest = claims->expires;
      return out;
    }
    return Error{Errc::NotPermitted, "that token is not known here, or has run out"};
  }
  const auto query = parse_query(request.query);
  if (query && find(*query, "auth_signature") != nullptr) {
    const SignedRequest signed_request{request.method, request.path, request.query, request.body};
    const auto parameters =
        signed_parameters(signed_request, app.settings().key, app.settings().secret, now);
    if (!parameters) return parameters.error();
    // Endpoints read the query as it is written; so it has to be written as it was signed.
    for (const auto& [name, value] : *query)
      if (const std::string* said = find(*parameters, name); said == nullptr || *said != value)
        return Error{Errc::NotPermitted,
                     "in a signed request each parameter's name is in lower case, and no array"};
    return Caller("app:" + app.settings().key, {"presence:read", "events:write"}, {});
  }
  if (const auto cookie = cookie_value(request.header("cookie"), kPageCookie); !cookie.empty())
    return signed_in(app, request, cookie, now);
  return Error{Errc::NotFound, "a bearer token is missing (rollcall token create makes one)"};
}

store::Result<Caller> Api::signed_in(App& app, const HttpRequest& request, std::string_view cookie,
                                     std::int64_t now) const {
  const Error over{Errc::NotPermitted, "the sign-in has run out: sign in again"};
  const auto session = open_session(cookie, signed_out_.key(), app.settings().id, now);
  if (!session || session->sign_in.empty() || signed_out_.contains(session->sign_in)) return over;
  Caller out(session->user.empty() ? session->name : "page:" + session->user, session->scopes,
             session->user);
  if (!session->token.empty()) {  // what it may do, and whether it is there, says the token itself
    const auto token = tokens_.find_id(session->token, app.settings().id, now);
    if (!token) return over;
    out.scopes = token->scopes;
  }
  // A cookie comes along by itself: a change must come from a page of this very origin.
  if (request.method != "GET" && request.method != "HEAD" && !same_origin(request))
    return Error{Errc::NotPermitted, "a change made with a cookie needs the page's own Origin"};
  out.by_cookie = true;
  out.token = session->token;
  out.sign_in = session->sign_in;
  out.until = session->expires;
  out.latest = session->latest;
  // Who became somebody else is named with both.
  if (out.name != session->name && session->name != "jwt:" + session->user)
    out.reader = fmt::format("{} ({})", out.name, session->name);
  return out;
}

namespace {

std::string cookie_header(const std::string& value, std::int64_t seconds, bool tls) {
  return fmt::format("{}={}; Path=/; HttpOnly; SameSite=Strict; Max-Age={}{}", kPageCookie, value,
                     seconds, tls ? "; Secure" : "");
}

}  // namespace

HttpReply Api::sign_in(App& app, const HttpRequest& request) const {
  // A cookie works everywhere: nobody is local but over that socket.
  if (request.local)
    return problem(403, "no cookie over the server's own socket: sign in where it listens");
  auto read = fields_of(request);
  if (!read) return problem(400, read.error().detail);
  auto& fields = *read;
  HttpRequest with_token = request;
  if (!fields["token"].empty())
    with_token.headers.emplace(with_token.headers.begin(), "authorization",
                               "Bearer " + fields["token"]);
  const auto who = caller(app, with_token);
  if (!who) return problem(401, who.error().detail);
  PageSession session;
  session.app = app.settings().id;
  session.name = who->name;
  session.user = who->user;
  session.scopes = who->scopes;
  const std::int64_t now = store::wall_now() / 1'000'000;
  session.sign_in = who->sign_in.empty() ? store::base64url(store::random_key()) : who->sign_in;
  session.token = who->token;
  // A cookie made from a signature alone is not renewed past its first end.
  const bool renewable = !who->token.empty() || who->latest != 0;
  session.latest = renewable ? who->latest : now + kPageSessionSeconds;
  session.expires = now + kPageSessionSeconds;
  if (session.latest != 0) session.expires = std::min(session.expires, session.latest);
  if (who->by_cookie) {  // the name under which it began
    const auto cookie = cookie_value(request.header("cookie"), kPageCookie);
    if (const auto before = open_session(cookie, signed_out_.key(), session.app, now))
      session.name = before->name;
  }
  const std::string wanted = fields["user"];
  if (!wanted.empty() && wanted != who->user) {
    if (!who->may("admin")) return problem(403, "to be somebody else needs the scope admin");
    if (const auto named = store::check_user_name(wanted); !named)
      return problem(422, named.error().detail);
    session.user = wanted;
  }
  HttpReply out;
  out.headers.emplace_back("Set-Cookie", cookie_header(seal_session(session, signed_out_.key()),
                                                       session.expires - now, request.tls));
  out.headers.emplace_back("Cache-Control", "no-store");
  out.body = json::serialize(json::object{{"user", session.user}, {"name", session.name}});
  return out;
}

HttpReply Api::sign_out(App& app, const HttpRequest& request) {
  const auto who = caller(app, request);
  if (who && !who->sign_in.empty()) {
    const std::int64_t now = store::wall_now() / 1'000'000;
    // Renewals of it may have been handed out: as long as any of them could last.
    const std::int64_t until = now + kPageSessionSeconds;
    if (const auto kept = signed_out_.add(who->sign_in, until, now); !kept)
      spdlog::error("a sign-out is remembered until the next restart alone: {}",
                    kept.error().detail);
  }
  if (who && !who->user.empty()) {
    app.sessions().terminate(who->user);
    app.hub().terminate(who->user);
  }
  HttpReply out;
  if (proved_wrong(who))
    out = nobody(who.error().detail);
  else
    out.body = "{}";
  out.headers.emplace_back("Set-Cookie", cookie_header("", 0, request.tls));
  return out;
}

std::optional<HttpReply> Api::origin_problem(const HttpRequest& request,
                                             std::vector<std::pair<std::string, std::string>>& cors,
                                             bool socket) const {
  const std::string_view origin = request.header("origin");
  if (origin.empty()) return std::nullopt;
  if (same_origin(request)) return std::nullopt;
  const auto& rules = server_.settings.origins;
  if (!rules.empty() && host_matches(origin_host(origin), rules)) {
    cors.emplace_back("Access-Control-Allow-Origin", std::string(origin));
    cors.emplace_back("Vary", "Origin");
    return std::nullopt;
  }
  const bool reads = request.method == "GET" || request.method == "HEAD";
  if (reads && !socket) return std::nullopt;  // unreadable there
  return problem(403, "a page of another site may not do this: name the site with --origin");
}

namespace {

/// Whose share it is: a person's, a token's or an app's, in this app; else an address's.
std::string share_key(const App& app, const Caller& caller, std::string_view address) {
  if (caller.scopes.empty()) return "at\n" + limit_key(address);
  return app.settings().id + "\n" + (caller.user.empty() ? caller.name : "person\n" + caller.user);
}

}  // namespace

std::optional<HttpReply> Api::over_rate(const std::string& who, const Caller& caller,
                                        const Attributes& is, std::size_t bytes) {
  Quotas& quotas = server_.quotas;
  if (is.per_minute != 0)
    if (const auto wait =
            quotas.take_of_minute(fmt::format("{}\n{} {}", who, is.method, is.path), is.per_minute))
      return too_many(*wait);
  if (is.scope != "events:write") return std::nullopt;
  constexpr double kBurst = 5;  // seconds' worth at once
  const bool person = !caller.user.empty();
  const auto& limits = quotas.limits;
  auto wait = quotas.rates.take("writes\n" + who, 1,
                                person ? limits.writes_per_s : limits.service_writes_per_s, kBurst);
  if (!wait)
    wait = quotas.rates.take("bytes\n" + who, static_cast<double>(bytes),
                             person ? limits.write_bytes_per_s : limits.service_write_bytes_per_s,
                             kBurst);
  if (wait) return too_many(*wait, "this caller writes more than it may: come again later");
  return std::nullopt;
}

std::optional<HttpReply> Api::stream_place(const std::string& who, const Caller& caller,
                                           Chunks& chunks) {
  Quotas& quotas = server_.quotas;
  const auto& limits = quotas.limits;
  auto own = quotas.places.take("stream\n" + who, limits.streams);
  if (!own) return too_many(5, "this caller has as many streams as it may have");
  const std::uint32_t reserved =
      caller.may("audit:read") ? 0 : std::min(limits.streams_reserved, limits.streams_all);
  auto of_all = quotas.places.take("streams", limits.streams_all - reserved);
  if (!of_all) {
    HttpReply out = problem(503, "there are as many streams as there may be");
    out.headers.emplace_back("Retry-After", "5");
    return out;
  }
  chunks.hold(std::move(own));
  chunks.hold(std::move(of_all));
  return std::nullopt;
}

boost::asio::awaitable<HttpReply> Api::answer(const HttpRequest& request, Loop& loop) {
  std::vector<std::pair<std::string, std::string>> cors;
  if (auto bad = origin_problem(request, cors)) co_return *bad;
  const auto with_cors = [&](HttpReply reply) {
    for (auto& header : cors) reply.headers.push_back(header);
    return reply;
  };
  if (request.method == "OPTIONS" && !cors.empty()) {
    HttpReply reply;
    reply.status = 204;
    reply.headers = {{"Access-Control-Allow-Methods", "GET, POST, DELETE"},
                     {"Access-Control-Allow-Headers",
                      "Authorization, Content-Type, Idempotency-Key, X-Socket-Id, X-CSRF-TOKEN, "
                      "X-Requested-With, Rollcall-Reason, Rollcall-Ticket"},
                     {"Access-Control-Max-Age", "600"}};
    co_return with_cors(std::move(reply));
  }
  if (request.path == "/up") {
    HttpReply reply;
    reply.body = R"({"health":"OK"})";
    co_return with_cors(std::move(reply));
  }
  if (request.path == "/openapi.json") {
    HttpReply reply;
    reply.body = openapi_;
    co_return with_cors(std::move(reply));
  }
  if (auto page = page_answer(server_.settings.page, request))
    co_return with_cors(std::move(*page));
  if (request.path == "/login" || request.path == "/logout") {
    App* app = app_of(request);
    if (app == nullptr) co_return with_cors(problem(404, "say which app: ?app=ID"));
    if (request.method != "POST") co_return with_cors(not_allowed("POST"));
    co_return with_cors(request.path == "/login" ? sign_in(*app, request)
                                                 : sign_out(*app, request));
  }
  const bool channel_auth = request.path == "/broadcasting/auth" || request.path == "/pusher/auth";
  const bool user_auth =
      request.path == "/broadcasting/user-auth" || request.path == "/pusher/user-auth";
  if (channel_auth || user_auth) {
    App* app = app_of(request);
    if (app == nullptr) co_return with_cors(problem(404, "say which app: ?app=ID"));
    if (request.method != "POST") co_return with_cors(not_allowed("POST"));
    co_return with_cors(broadcasting_auth(*app, request, user_auth));
  }
  if (request.path == "/v1/command") co_return with_cors(gone());
  std::string other_methods;
  if (auto question = find_question(request, other_methods)) {
    App* app = app_of(request);
    if (app == nullptr) co_return with_cors(problem(404, "say which app: ?app=ID"));
    auto who = caller(*app, request);
    if (!who) co_return with_cors(nobody(who.error().detail));
    Places::Place place;  // held until the answer is there
    place = server_.quotas.places.take("question\n" + share_key(*app, *who, request.peer),
                                       server_.quotas.limits.questions);
    if (!place)
      co_return with_cors(
          too_many(1, "this caller has as many questions as it may ask at a time"));
    Call call{*app, *who, request, loop, server_.quotas};
    co_return with_cors(co_await answer_question(call, server_.settings, std::move(*question)));
  }
  const std::string_view method =
      request.method == "HEAD" ? "GET" : std::string_view(request.method);
  // The list of endpoints is walked at compile time; a coroutine cannot be awaited in a lambda
  // without being one itself, so the match is found first and run afterwards.
  std::function<boost::asio::awaitable<HttpReply>()> run;
  boost::mp11::mp_for_each<AllEndpoints>([&](auto endpoint) {
    using E = decltype(endpoint);
    if (run) return;
    auto values = path_values(E::kRoute.path, request.path);
    if (!values) return;
    if (E::kRoute.method != method) {
      const std::string_view allowed = E::kRoute.method == "GET" ? "GET, HEAD" : E::kRoute.method;
      if (other_methods.find(allowed) != std::string::npos) return;  // of a question there, too
      if (!other_methods.empty()) other_methods += ", ";
      other_methods += allowed;
      return;
    }
    run = [this, &request, &loop,
           values = std::move(*values)]() -> boost::asio::awaitable<HttpReply> {
      App* app = app_of(request);
      if (app == nullptr) co_return problem(404, "say which app: ?app=ID");
      auto who = caller(*app, request);
      if (proved_wrong(who)) co_return nobody(who.error().detail);
      if (!E::kRoute.scope.empty()) {
        if (!who) co_return nobody(who.error().detail);
        if (!who->may(E::kRoute.scope))
          co_return problem(403, fmt::format("this needs the scope {}", E::kRoute.scope));
      }
      const Caller caller = who ? *who : Caller(request.peer, {}, {});
      const std::string share = share_key(*app, caller, request.peer);
      if (const auto over = over_rate(share, caller, E::kRoute, request.body.size()))
        co_return *over;
      Places::Place place;  // held until the answer is there
      if (E::kRoute.method == std::string_view("GET") && !E::kRoute.scope.empty()) {
        place = server_.quotas.places.take("question\n" + share, server_.quotas.limits.questions);
        if (!place)
          co_return too_many(1, "this caller has as many questions as it may ask at a time");
      }
      json::value given = json::object{};
      const bool by_query = E::kRoute.method == std::string_view("GET");
      const auto names = by_query ? names_in_query<E>() : std::vector<QueryName>{};
      if (auto wrong = query_problem(request, names)) co_return *wrong;
      if (by_query) {
        add_query(request, names, given.as_object());
      } else if (!request.body.empty()) {
        auto body = read_body(request.body, Halves::Refused);
        if (!body) co_return problem(400, body.error().detail);
        given = std::move(*body);
        if (!given.is_object()) co_return problem(400, "the body is not a JSON object");
      }
      for (const auto& value : values) given.as_object()[value.key()] = value.value();
      typename E::Request parsed{};
      if (const auto read = read_value(given, parsed, ""); !read)
        co_return problem(422, read.error().detail);
      const auto response =
          co_await E::run({*app, caller, request, loop, server_.quotas}, std::move(parsed));
      if (!response)
        co_return error_reply(response.error(), app->layout().app_dir.native(),
                              caller.may("admin"));
      HttpReply out;
      if constexpr (holds_list<typename E::Response>()) {
        auto write = [&response]() -> store::Result<std::string> {
          return json::serialize(write_value(*response));
        };
        auto text = co_await offload<std::string>(*server_.workers, loop, std::move(write));
        if (!text)
          co_return error_reply(text.error(), app->layout().app_dir.native(), caller.may("admin"));
        out.body = std::move(*text);
      } else {
        out.body = json::serialize(write_value(*response));
      }
      co_return out;
    };
  });
  if (run) co_return with_cors(co_await run());
  co_return with_cors(other_methods.empty() ? problem(404, "there is nothing at this path")
                                            : not_allowed(other_methods));
}

HttpReply Api::broadcasting_auth(App& app, const HttpRequest& request, bool user_auth) const {
  const auto who = caller(app, request);
  if (!who) {  // 403 is what clients take for a no; counted like a 401 all the same
    if (const auto wait = server_.quotas.failed(request.peer)) return too_many(*wait);
    return problem(403, who.error().detail);
  }
  if (who->user.empty() && (user_auth || !who->by_cookie))
    return problem(403, "a person's token (a JWT with a sub) is needed, not a service's");
  auto read = fields_of(request);
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
  if (user_auth) {
    app.vouch(id, voucher);
    const std::string user_data = json::serialize(json::object{{"id", who->user}});
    out.body = json::serialize(
        json::object{{"auth", sign(user_string(socket_id, user_data))}, {"user_data", user_data}});
    return out;
  }
  const std::string channel = fields["channel_name"];
  const auto kind = channel_kind(channel);
  if (!kind || !kind->needs_auth) return problem(400, "channel_name is not of a guarded channel");
  const auto own = presence_channel_of(who->user);
  bool allowed = !who->user.empty() && own && channel == *own;
  // The page's people may hear what /v1/presence tells them, and enter the rooms there are.
  if (who->by_cookie && who->may("presence:read"))
    allowed = allowed || channel == kPresenceChannel || user_of_presence_channel(channel);
  if (who->by_cookie && !who->user.empty() && channel.starts_with(kRoomChannel)) {
    const auto& rooms = settings.rooms;
    allowed = allowed || std::find(rooms.begin(), rooms.end(),
                                   channel.substr(kRoomChannel.size())) != rooms.end();
  }
  for (const ChannelRule& rule : settings.channels) {
    std::string pattern = rule.pattern;
    if (const std::size_t at = pattern.find("{user}"); at != std::string::npos)
      pattern.replace(at, 6, own ? own->substr(kPresenceChannel.size() + 1) : who->user);
    const bool fits = pattern.ends_with('*')
                          ? channel.starts_with(pattern.substr(0, pattern.size() - 1))
                          : channel == pattern;
    const bool named = rule.users.empty() || std::find(rule.users.begin(), rule.users.end(),
                                                       who->user) != rule.users.end();
    allowed = allowed || (fits && named && !who->user.empty());
  }
  if (!allowed) return problem(403, "no rule lets this person into the channel");
  app.vouch(id, voucher);
  json::object answer;
  if (kind->presence) {
    const std::string data = json::serialize(
        json::object{{"user_id", who->user}, {"user_info", json::object{{"id", who->user}}}});
    answer["auth"] = sign(channel_string(socket_id, channel, data));
    answer["channel_data"] = data;
  } else {
    answer["auth"] = sign(channel_string(socket_id, channel, std::nullopt));
  }
  out.body = json::serialize(answer);
  return out;
}

bool Api::streams(const HttpRequest& request) {
  std::string other_methods;
  return request.path == kStreamPath ||
         (wants_lines(request) && find_question(request, other_methods));
}

HttpReply Api::begin(const HttpRequest& request, StreamForm form, Chunks& chunks, Loop&) {
  std::vector<std::pair<std::string, std::string>> cors;
  if (auto bad = origin_problem(request, cors, form == StreamForm::CapnProto)) return *bad;
  App* app = app_of(request);
  if (app == nullptr) return problem(404, "say which app: ?app=ID");
  const auto who = caller(*app, request);
  if (!who) return nobody(who.error().detail);
  HttpReply out;
  std::string other_methods;
  if (auto question = find_question(request, other_methods)) {
    out = stream_question(*app, server_.settings, *who, request, std::move(*question), chunks);
  } else if (request.method != "GET") {
    out = not_allowed("GET");
  } else if (auto wrong = query_problem(request, {{"after"}, {"only"}})) {
    out = std::move(*wrong);
  } else if (auto none = stream_place(share_key(*app, *who, request.peer), *who, chunks)) {
    out = std::move(*none);
  } else {
    out = begin_event_stream(*app, *who, request, form, chunks);
  }
  for (auto& header : cors) out.headers.push_back(header);
  return out;
}

}  // namespace rollcall::net::inline http
