// What the Pusher HTTP API does to connections, and what it answers.
#include "net/pusher/pusher_api.h"

#include "tests/support/pusher_client.h"

using namespace rollcall;
using namespace rollcall::net;
using engine::Presence;
using test::Client;
using test::data_of;
using test::members;
using test::person;
using test::RunningApp;
using test::text_at;
using test::user;

namespace {

namespace json = boost::json;

using Names = std::vector<std::string>;

std::optional<Presence> state_of(RunningApp& app, const std::string& name) {
  const auto number = app.app().live().reading()->vault().number_of(name);
  const auto found = number ? app.app().board().of(*number) : std::nullopt;
  return found ? std::optional(found->state) : std::nullopt;
}

HttpReply api(RunningApp& app, const std::string& method, const std::string& rest,
              const std::string& body, std::string query = "") {
  const std::int64_t now = 1'700'000'000;
  HttpRequest request;
  request.method = method;
  request.path = "/apps/main" + rest;
  request.body = body;
  query += fmt::format("{}auth_key={}&auth_timestamp={}&auth_version=1.0", query.empty() ? "" : "&",
                       test::kAppKey, now);
  if (!body.empty()) query += "&body_md5=" + md5_hex(body);
  const auto parameters = canonical(parse_query(query).value()).value();
  request.query = query + "&auth_signature=" +
                  hmac_hex(test::kAppSecret, signed_text(method, request.path, parameters));
  return pusher_api(app.app(), request, rest, now);
}

}  // namespace

TEST_CASE("termination reaches a user wherever he is, be it as a member alone", "[net]") {
  RunningApp app;
  Client member(app), signed_in(app), bob(app);
  (void)member.join("presence-a", user("ada"));
  (void)bob.join("presence-a", user("bob"));
  (void)member.expect("pusher_internal:member_added");
  signed_in.sign_in(person("ada"));
  (void)signed_in.expect("pusher:signin_success");
  CHECK(api(app, "POST", "/users/ada/terminate_connections", "{}").status == 200);
  CHECK(member.far.until_close().code() == 4009);
  CHECK(signed_in.far.until_close().code() == 4009);
  CHECK(data_of(bob.expect("pusher_internal:member_removed")).at("user_id") == "ada");
  app.until([&] { return state_of(app, "ada") == Presence::Offline; });
  CHECK(members(app, "presence-a") == Names{"bob"});
  bob.nothing_more();
}

TEST_CASE("what the HTTP API publishes is heard whatever is asked about the channels", "[net]") {
  RunningApp app;
  Client ada(app), bob(app);
  (void)ada.join("presence-x", user("ada"));
  (void)bob.join("pub");
  for (const std::string info : {R"("info":"user_count,subscription_count")",
                                 R"("info":["user_count","subscription_count"])"}) {
    const HttpReply reply =
        api(app, "POST", "/events",
            R"({"name":"e","channels":["presence-x","pub","pub"],"data":"d",)" + info + "}");
    INFO(reply.body);
    CHECK(reply.status == 200);
    CHECK(
        json::parse(reply.body) ==
        json::parse(
            R"({"channels":{"presence-x":{"user_count":1,"subscription_count":1},"pub":{"subscription_count":1}}})"));
    CHECK(text_at(ada.expect("e"), "data") == "d");
    CHECK(text_at(bob.expect("e"), "data") == "d");
  }
  bob.nothing_more();  // the same channel twice is heard once
  CHECK(api(app, "GET", "/channels/pub", "", "info[0]=subscription_count").body.find("1") !=
        std::string::npos);
  CHECK(api(app, "GET", "/channels/pub/users", "").status == 400);
  CHECK(api(app, "GET", "/channels", "", "filter_by_prefix=presence-&info=user_count").body ==
        R"({"channels":{"presence-x":{"user_count":1}}})");
  CHECK(
      api(app, "POST", "/events",
          fmt::format(R"({{"name":"e","channel":"pub","data":"1","socket_id":"{}"}})", bob.socket))
          .status == 200);
  CHECK(api(app, "POST", "/events", R"({"name":"e","channel":"pub","data":"1","socket_id":"x"})")
            .status == 400);
  CHECK(api(app, "POST", "/events", R"({"name":"pusher:e","channel":"pub","data":"1"})").status ==
        400);
  bob.nothing_more();
}
