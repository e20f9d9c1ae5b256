// Requests and their answers, without a socket: which path has which methods, who may, what is
// heeded, whose page may call.
#include "net/http/api.h"
#include "net/v1/request_values.h"
#include "net/wire/pusher_signature.h"
#include "replay/time_text.h"
#include "store/log/event_clock.h"
#include "tests/support/running_app.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <map>
#include <set>

using namespace rollcall;
using namespace rollcall::net;
using test::RunningApp;

namespace {

namespace json = boost::json;
using Headers = std::vector<std::pair<std::string, std::string>>;

/// An app and the API in front of it. The API goes last: what it answers later finds it.
class Door {
 public:
  explicit Door(const RunningApp::Change& change = [](Settings&) {})
      : app(change),
        api(app.context()),
        tokens_(app.context().settings.data),
        admin(token("admin")) {}

  HttpReply ask(const HttpRequest& request) {
    std::promise<HttpReply> told;
    Loop& loop = app.shard().loop();
    loop.post([&] {
      boost::asio::co_spawn(loop.io(), api.answer(request, loop),
                            [&told](const std::exception_ptr& failed, HttpReply reply) {
                              if (failed)
                                told.set_exception(failed);
                              else
                                told.set_value(std::move(reply));
                            });
    });
    return told.get_future().get();
  }
  /// As whoever has the token; nobody without one.
  HttpReply ask(const std::string& method, const std::string& target, const std::string& by = {},
                const std::string& body = {}, Headers headers = {}) {
    HttpRequest request;
    request.method = method;
    request.path = target.substr(0, target.find('?'));
    if (target.size() > request.path.size()) request.query = target.substr(request.path.size() + 1);
    request.body = body;
    request.headers = std::move(headers);
    request.headers.emplace_back("host", "chat.example");
    if (!by.empty()) request.headers.emplace_back("authorization", "Bearer " + by);
    request.peer = "192.0.2.7";
    return ask(request);
  }
  std::string token(const std::string& scope, const std::string& of = "main") {
    return tokens_.create(fmt::format("{}-{}", of, scope), of, {scope}, 0).value();
  }
  Tokens& tokens() { return tokens_; }

  RunningApp app;
  Api api;

 private:
  Tokens tokens_;

 public:
  const std::string admin;
};

std::string header(const HttpReply& reply, std::string_view name) {
  for (const auto& [key, value] : reply.headers)
    if (key == name) return value;
  return {};
}

void two_apps(Settings& settings) {
  AppSettings side = settings.apps[0];
  side.id = "side";
  side.key = "side-key";
  settings.apps.push_back(side);
}

/// Each operation of /openapi.json: method, path with its {names} filled in, scope.
struct Operation {
  std::string method, pattern, path, scope;
};
std::vector<Operation> operations(Door& door) {
  std::vector<Operation> out;
  const json::value described = json::parse(door.ask("GET", "/openapi.json").body);
  for (const auto& path : described.at("paths").as_object()) {
    for (const auto& method : path.value().as_object()) {
      Operation one{
          std::string(method.key()), std::string(path.key()), std::string(path.key()), {}};
      for (char& c : one.method) c = static_cast<char>(c - 32);
      for (std::size_t at = 0; (at = one.path.find('{')) != std::string::npos;)
        one.path.replace(at, one.path.find('}') + 1 - at, "7");
      if (const auto* security = method.value().as_object().if_contains("security"))
        one.scope =
            std::string(security->as_array().at(0).at("bearer").as_array().at(0).as_string());
      out.push_back(std::move(one));
    }
  }
  return out;
}

}  // namespace

TEST_CASE("each operation that is described asks for its scope, and for nothing before that",
          "[net]") {
  Door door;
  const auto wrong = door.token("presence:read"), writes = door.token("events:write");
  std::size_t guarded = 0;
  const std::vector<Operation> all = operations(door);
  for (const Operation& one : all) {
    INFO(one.method << " " << one.path << " needs '" << one.scope << "'");
    if (one.scope.empty()) continue;
    ++guarded;
    const HttpReply nobody = door.ask(one.method, one.path);
    CHECK(nobody.status == 401);
    CHECK(header(nobody, "WWW-Authenticate") == "Bearer");
    CHECK(door.ask(one.method, one.path, "not-a-token").status == 401);
    const HttpReply refused =
        door.ask(one.method, one.path, one.scope == "presence:read" ? writes : wrong);
    CHECK(refused.status == 403);
    CHECK(refused.body.find(one.scope) != std::string::npos);
    if (one.scope == "server:admin")  // which an app's admin is not
      CHECK(door.ask(one.method, one.path, door.admin).status == 403);
  }
  CHECK(guarded > 20);
  // What a path does not answer is 405 with what it does; and a GET is a HEAD.
  for (const Operation& one : all) {
    const std::string& path = one.path;
    std::set<std::string> has;  // "proof" may be somebody's name, too
    for (const Operation& other : all)
      if (path_values(other.pattern, path)) has.insert(other.method);
    for (const char* method : {"GET", "POST", "PUT", "DELETE", "PATCH", "get"}) {
      if (has.contains(method)) continue;
      INFO(method << " " << path);
      const HttpReply reply = door.ask(method, path, door.admin);
      CHECK(reply.status == 405);
      const std::string allow = header(reply, "Allow");
      for (const std::string& there : has) CHECK(allow.find(there) != std::string::npos);
      CHECK((allow.find("HEAD") != std::string::npos) == has.contains("GET"));
    }
  }
}

TEST_CASE("paths that there are not, that there were, and that anybody may ask", "[net]") {
  Door door;
  for (const char* path : {"/v1", "/v1/", "/v1/nothing", "/v1/presence/", "/v1/presence/a/b",
                           "/v1/login/", "/v2/login", "/v1/presence/%zz"}) {
    INFO(path);
    CHECK(door.ask("GET", path, door.admin).status == 404);
  }
  for (const char* method : {"GET", "POST"}) {
    const HttpReply gone = door.ask(method, "/v1/command", door.admin, R"(["proof","3"])");
    CHECK(gone.status == 410);
    CHECK(gone.body.find("GET /v1/events") != std::string::npos);
  }
  CHECK(door.ask("GET", "/up").body == R"({"health":"OK"})");
  CHECK(door.ask("HEAD", "/up").status == 200);
  CHECK(door.ask("GET", "/v1/health").status == 200);
  CHECK(door.ask("HEAD", "/v1/health").status == 200);
  CHECK(door.ask("HEAD", "/v1/presence", door.admin).status == 200);
  // A wrong token is wrong even where none is needed.
  CHECK(door.ask("GET", "/v1/me", "not-a-token").status == 401);
}

TEST_CASE("parameters are those that there are, each once, each of its type", "[net]") {
  Door door;
  REQUIRE(door.ask("POST", "/v1/login", door.admin, R"({"user":"ada"})").status == 200);
  const auto status = [&](const std::string& target) {
    return door.ask("GET", target, door.admin).status;
  };
  CHECK(status("/v1/presence?state=online&limit=5") == 200);
  CHECK(status("/v1/presence?app=main") == 200);
  CHECK(status("/v1/presence?stat=online") == 422);
  CHECK(status("/v1/presence?State=online") == 422);
  CHECK(status("/v1/presence?state=online&state=away") == 200);  // a list
  CHECK(status("/v1/presence?users=ada&users=zoe") == 422);
  CHECK(status("/v1/presence?limit=5&limit=5") == 422);
  for (const char* limit : {"", "-1", "1.5", "x", "99999999999999999999", "0x5", "+5"}) {
    INFO(limit);
    CHECK(status(std::string("/v1/presence?limit=") + limit) == 422);
  }
  CHECK(status("/v1/presence?state=onlin") == 422);
  CHECK(status("/v1/presence?users=%zz") == 400);
  CHECK(status("/v1/health?x=1") == 422);
  CHECK(door.ask("POST", "/v1/login?user=ada", door.admin, R"({"user":"ada"})").status == 422);
  // A filter holds in every form of an endpoint: now, and at a moment.
  REQUIRE(door.ask("POST", "/v1/login", door.admin, R"({"user":"zoe"})").status == 200);
  const auto people = [&](const std::string& query) {
    const HttpReply reply = door.ask("GET", "/v1/presence?users=zoe" + query, door.admin, {},
                                     {{"rollcall-reason", "a test"}});
    INFO(reply.body);
    REQUIRE(reply.status == 200);
    return json::parse(reply.body).at("people").as_array();
  };
  for (const std::string& form : {std::string(), "&at=" + replay::rfc3339(store::wall_now())}) {
    const json::array found = people(form);
    REQUIRE(found.size() == 1);
    CHECK(found.at(0).at("user") == "zoe");
  }
}

TEST_CASE("a body is one JSON object, not too deep, that says each thing once", "[net]") {
  Door door;
  const auto status = [&](const std::string& body) {
    return door.ask("POST", "/v1/login", door.admin, body).status;
  };
  std::string deep = "1";
  for (int i = 0; i < 40; ++i) deep = R"({"user":)" + deep + "}";
  for (const std::string& bad :
       {std::string("{"), std::string("hello"), std::string("[]"), std::string("\"ada\""),
        std::string("7"), std::string(R"({"user":"ada","user":"eve"})"),
        std::string("{\"user\":\"\xff\"}"), std::string(R"({"user":"ada"} x)"), deep}) {
    INFO(bad.substr(0, 40));
    CHECK(status(bad) == 400);
  }
  for (const char* wrong : {"", "{}", R"({"user":7})", R"({"user":null})", R"({"user":""})",
                            R"({"user":"ada","sesion":"x"})", R"({"user":"a\nb"})",
                            R"({"user":"ada","socket_id":"x"})"}) {
    INFO(wrong);
    CHECK(status(wrong) == 422);
  }
  CHECK(json::parse(door.ask("GET", "/v1/presence", door.admin).body)
            .at("people")
            .as_array()
            .empty());
  CHECK(status(R"({"user":"ada"})") == 200);
  CHECK(door.ask("POST", "/v1/logout", door.admin, R"({"user":"nobody"})").status == 404);
  CHECK(door.ask("POST", "/v1/logout", door.admin, R"({"user":"ada","session":"x"})").status ==
        409);
}

TEST_CASE("who has a server of several apps says which, and is let into his own", "[net]") {
  Door door(two_apps);
  const std::string side = door.token("admin", "side"), server = door.token("server:admin", "*");
  CHECK(door.ask("GET", "/v1/presence", door.admin).status == 404);
  CHECK(door.ask("GET", "/v1/presence?app=none", door.admin).status == 404);
  CHECK(door.ask("GET", "/v1/presence?app=main", door.admin).status == 200);
  CHECK(door.ask("GET", "/v1/presence?app=side", door.admin).status == 401);
  CHECK(door.ask("GET", "/v1/presence?app=side", server).status == 200);
  // An app's admin sees and revokes its own tokens alone.
  const std::string listed = door.ask("GET", "/v1/tokens?app=side", side).body;
  CHECK(listed.find("side-admin") != std::string::npos);
  CHECK(listed.find("main-admin") == std::string::npos);
  CHECK(listed.find("server:admin") == std::string::npos);
  for (const char* name : {"main-admin", "*-server:admin"})
    CHECK(door.ask("POST", "/v1/tokens/revoke?app=side", side,
                   fmt::format(R"({{"name":"{}"}})", name))
              .status != 200);
  CHECK(door.ask("GET", "/v1/presence?app=main", door.admin).status == 200);
  CHECK(door.ask("GET", "/v1/presence?app=main", server).status == 200);
  CHECK(
      door.ask("POST", "/v1/tokens?app=side", side, R"({"name":"more","scopes":["server:admin"]})")
          .status != 200);
  CHECK(door.ask("POST", "/v1/tokens/revoke?app=side", side, R"({"name":"side-admin"})").status ==
        200);
  CHECK(door.ask("GET", "/v1/presence?app=side", side).status == 401);
}

TEST_CASE("pages of other sites read nothing and change nothing, but of those that are named",
          "[net]") {
  Door door([](Settings& s) { s.origins = {"shop.example", "*.good.example"}; });
  const Headers evil{{"origin", "https://evil.example"}}, shop{{"origin", "https://shop.example"}};
  const std::string body = R"({"user":"ada"})";
  for (const char* method : {"POST", "DELETE", "OPTIONS"})
    CHECK(door.ask(method, "/v1/login", door.admin, body, evil).status == 403);
  CHECK(door.ask("POST", "/login", {}, "token=" + door.admin, evil).status == 403);
  const HttpReply unread = door.ask("GET", "/v1/presence", door.admin, {}, evil);
  CHECK(unread.status == 200);
  CHECK(header(unread, "Access-Control-Allow-Origin").empty());
  for (const char* origin : {"null", "https://shop.example.evil.example", "https://notshop.example",
                             "https://good.example", "shop.example"}) {
    INFO(origin);
    CHECK(door.ask("POST", "/v1/login", door.admin, body, {{"origin", origin}}).status == 403);
  }
  const HttpReply asked = door.ask("OPTIONS", "/v1/login", {}, {}, shop);
  CHECK(asked.status == 204);
  CHECK(header(asked, "Access-Control-Allow-Origin") == "https://shop.example");
  CHECK(header(asked, "Access-Control-Allow-Credentials").empty());
  for (const auto& [status, target] : {std::pair(200U, "/v1/login"), std::pair(404U, "/v1/nothing"),
                                       std::pair(410U, "/v1/command")}) {
    const HttpReply reply = door.ask("POST", target, door.admin, body, shop);
    CHECK(reply.status == status);  // an error can be read, too
    CHECK(header(reply, "Access-Control-Allow-Origin") == "https://shop.example");
    CHECK(header(reply, "Vary") == "Origin");
  }
  CHECK(door.ask("POST", "/v1/login", door.admin, body, {{"origin", "https://a.good.example"}})
            .status == 200);
  CHECK(door.ask("POST", "/v1/login", door.admin, body, {{"origin", "https://chat.example"}})
            .status == 200);  // this very site
}

TEST_CASE("a cookie opens while its token does, for this site's own pages", "[net]") {
  Door door;
  const std::string reader = door.token("presence:read");
  const Headers own{{"origin", "https://chat.example"}};
  const auto cookie = [&](const std::string& token) {
    const HttpReply reply = door.ask("POST", "/login", {}, "token=" + token, own);
    REQUIRE(reply.status == 200);
    const std::string set = header(reply, "Set-Cookie");
    CHECK(set.find("HttpOnly; SameSite=Strict") != std::string::npos);
    return set.substr(0, set.find(';'));
  };
  const std::string first = cookie(door.admin), second = cookie(reader);
  const auto status = [&](const std::string& with) {
    return door.ask("GET", "/v1/presence", {}, {}, {{"cookie", with}}).status;
  };
  CHECK(status(first) == 200);
  CHECK(status(second) == 200);
  CHECK(status(first.substr(0, first.size() - 2)) == 401);
  // A cookie comes along by itself: a change needs the page's own Origin beside it.
  const std::string body = R"({"user":"ada"})";
  CHECK(door.ask("POST", "/v1/login", {}, body, {{"cookie", first}}).status == 401);
  CHECK(door.ask("POST", "/v1/login", {}, body, {{"cookie", first}, own[0]}).status == 200);
  CHECK(door.ask("POST", "/login", {}, "token=wrong", own).status == 401);
  REQUIRE(door.tokens().revoke("main-presence:read"));
  CHECK(status(second) == 401);
  CHECK(status(first) == 200);
  CHECK(door.ask("POST", "/logout", {}, {}, {{"cookie", first}, own[0]}).status == 200);
  CHECK(status(first) == 401);
}

TEST_CASE("a request that an app signs is what was signed, once and within its time", "[net]") {
  Door door;
  const std::int64_t now = store::wall_now() / 1'000'000;
  const auto query = [](const std::string& body, std::int64_t at, const std::string& path) {
    std::string out = fmt::format("auth_key={}&auth_timestamp={}&auth_version=1.0&body_md5={}",
                                  test::kAppKey, at, md5_hex(body));
    const auto parameters = canonical(parse_query(out).value()).value();
    return out +
           "&auth_signature=" + hmac_hex(test::kAppSecret, signed_text("POST", path, parameters));
  };
  const std::string ada = R"({"user":"ada"})", eve = R"({"user":"eve"})", path = "/v1/login";
  const std::string good = query(ada, now, path), old = query(ada, now - 3600, path);
  const auto status = [&](const std::string& signed_query, const std::string& body,
                          const std::string& target) {
    return door.ask("POST", target + "?" + signed_query, {}, body).status;
  };
  CHECK(status(good, ada, path) == 200);
  CHECK(status(good, eve, path) == 401);
  CHECK(status(good, ada, "/v1/logout") == 401);
  CHECK(status(old, ada, path) == 401);
  // A captured request, with what is checked written in front of what was signed.
  std::string forged = old;
  for (const char* name : {"auth_timestamp", "body_md5"}) {
    const std::size_t at = forged.find(name);
    std::string upper(name);
    for (char& c : upper)
      if (c != '_') c = static_cast<char>(c - (c >= 'a' ? 32 : 0));
    forged.replace(at, upper.size(), upper);
  }
  CHECK(status(fmt::format("auth_timestamp={}&body_md5={}&{}", now, md5_hex(eve), forged), eve,
               path) == 401);
  CHECK(door.ask("GET", "/v1/tokens", {}).status == 401);
  const json::value listed = json::parse(door.ask("GET", "/v1/presence", door.admin).body);
  REQUIRE(listed.at("people").as_array().size() == 1);
}

TEST_CASE("a caller that writes or fails too often is told to come again", "[net]") {
  Door door([](Settings& s) {
    s.callers.service_writes_per_s = 1;
    s.callers.failures_per_minute = 1000;
  });
  const std::string other = door.token("events:write");
  const auto write = [&](const std::string& by) {
    return door.ask("POST", "/v1/login", by, R"({"user":"ada"})");
  };
  HttpReply last = write(door.admin);
  int taken = 0;
  for (; last.status == 200 && taken < 1000; last = write(door.admin)) ++taken;
  CHECK(last.status == 429);
  CHECK(!header(last, "Retry-After").empty());
  CHECK(taken >= 5);  // a burst
  CHECK(taken < 1000);
  CHECK(write(other).status == 200);  // whose share is his own
  CHECK(door.ask("GET", "/v1/presence", door.admin).status == 200);
}
