// What clients of protocol 7 say on a connection, and each refusal with its code: the real
// protocol, hub and log, the far end of a socket by hand.
#include "net/pusher/pusher.h"

#include "tests/support/pusher_client.h"

using namespace rollcall;
using namespace rollcall::net;
using engine::Presence;
using test::Client;
using test::client_text;
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

/// Until watchers were told that he is online.
void until_told(RunningApp& app, const std::string& name) {
  const auto number = app.app().live().reading()->vault().number_of(name).value();
  app.until([&] { return app.app().board().of(number)->told == Presence::Online; });
}

/// Who would enter `channel` as this is told why not.
struct Refusal {
  std::string channel_data, type;
  std::int64_t status = 0;
};

}  // namespace

TEST_CASE("what is no message is answered by an error without a code, and changes nothing",
          "[net]") {
  RunningApp app;
  Client client(app);
  std::string deep;
  for (int i = 0; i < 40; ++i)
    deep = R"({"event":"pusher:ping","data":)" + (i == 0 ? "1" : deep) + "}";
  for (const std::string& bad :
       {std::string("hello"), std::string("[]"), std::string("{}"), std::string(R"({"event":7})"),
        std::string(R"({"event":"pusher:nonsense"})"), std::string(R"({"event":"")"), deep,
        std::string(R"({"event":"pusher:subscribe","event":"pusher:ping","data":{}})"),
        std::string(R"({"event":"pusher:subscribe","data":{"channel":"a","channel":"b"}})")}) {
    INFO(bad);
    client.far.say(bad);
    CHECK(client.error_code() == 0);
  }
  client.far.say(R"({"event":"pusher:pong"})");
  client.nothing_more();
  CHECK(app.app().hub().channels("").empty());
}

TEST_CASE("each refusal of a subscription has its type and status, and the connection stays",
          "[net]") {
  RunningApp app([](Settings& s) {
    s.apps[0].channels_max = 4;
    s.apps[0].user_id_max = 10;
    s.apps[0].user_info_max = 20;
  });
  Client client(app), other(app);
  const auto check = [&](const json::value& data, std::string_view type, std::int64_t status) {
    INFO(json::serialize(data));
    const json::object answer = client.refused(data);
    CHECK(text_at(answer, "type") == type);
    CHECK(answer.at("status") == status);
    CHECK(!text_at(answer, "error").empty());
  };
  SECTION("names that are none") {
    for (const std::string& bad : {std::string(), std::string("a b"), std::string("a/b"),
                                   std::string("#room"), std::string(201, 'a')})
      check(json::object{{"channel", bad}}, "ServerError", 4009);
    check(json::object{}, "ServerError", 4009);
    check("room", "ServerError", 4009);
    check(json::object{{"channel", 7}}, "ServerError", 4009);
  }
  SECTION("signatures of something else") {
    for (const std::string channel :
         {"private-a", "presence-a", "private-encrypted-a", "private-presence"}) {
      check(json::object{{"channel", channel}}, "AuthError", 401);
      check(json::object{{"channel", channel}, {"auth", ""}}, "AuthError", 401);
      check(json::object{{"channel", channel}, {"auth", other.signature(channel)}}, "AuthError",
            401);
      check(json::object{{"channel", channel}, {"auth", client.signature(channel + "b")}},
            "AuthError", 401);
      std::string of_another_key = client.signature(channel);
      of_another_key[0] = 'b';
      check(json::object{{"channel", channel}, {"auth", of_another_key}}, "AuthError", 401);
    }
    json::object forged = client.subscription("presence-a", user("ada"));
    forged["channel_data"] = user("eve");
    check(forged, "AuthError", 401);
  }
  SECTION("who enters") {
    const std::vector<Refusal> all{
        {"[]", "AuthError", 401},
        {"{}", "AuthError", 401},
        {R"({"user_id":""})", "AuthError", 401},
        {R"({"user_id":null})", "AuthError", 401},
        {R"({"user_id":1.5})", "AuthError", 401},
        {R"({"user_id":"ada","user_id":"eve"})", "AuthError", 401},
        {R"({"user_id":"a\nb"})", "AuthError", 401},
        {R"({"user_id":"elevenbytes"})", "LimitReached", 4301},
        {R"({"user_id":"ada","user_info":"nineteen and more.."})", "LimitReached", 4301}};
    for (const Refusal& one : all)
      check(client.subscription("presence-a", one.channel_data), one.type, one.status);
    check(client.subscription("presence-a"), "AuthError", 401);  // nobody is signed in
    check(json::object{{"channel", "#server-to-user-ada"}}, "AuthError", 401);
    // What is just within the bounds, and a number, enters.
    (void)client.join("presence-a", R"({"user_id":1234567890,"user_info":"eighteen and mor"})");
    CHECK(members(app, "presence-a") == Names{"1234567890"});
  }
  SECTION("too many channels") {
    for (const char* channel : {"a", "b", "private-c", "private-d"}) (void)client.join(channel);
    check(json::object{{"channel", "e"}}, "LimitReached", 4100);
    client.leave("a");
    (void)client.join("e");
  }
  client.nothing_more();
}

TEST_CASE("a subscription that is there is told again and heard once", "[net]") {
  RunningApp app;
  Client client(app);
  (void)client.join("room");
  (void)client.join("room");
  app.app().hub().publish_event("room", *channel_kind("room"), "e", "1", 0);
  CHECK(text_at(client.expect("e"), "data") == "1");
  client.nothing_more();
  CHECK(app.app().hub().channel("room").subscriptions == 1);
  client.leave("elsewhere");
  client.leave("room");
  client.leave("room");
  client.nothing_more();
  CHECK_FALSE(app.app().hub().occupied("room"));
}

TEST_CASE("joining, leaving and joining in one packet is being there, members as well", "[net]") {
  RunningApp app;
  for (const std::string channel : {"room", "presence-room"}) {
    Client client(app);
    const auto who = channel == "room" ? std::nullopt : std::optional(user("ada"));
    const std::string in =
        client_text(Client::message("pusher:subscribe", client.subscription(channel, who)));
    const std::string out =
        client_text(Client::message("pusher:unsubscribe", json::object{{"channel", channel}}));
    client.far.send(in + out + in);
    (void)client.expect("pusher_internal:subscription_succeeded");
    app.app().hub().publish_event(channel, *channel_kind(channel), "e", "1", 0);
    (void)client.expect("e");
    CHECK(app.app().hub().channel(channel).subscriptions == 1);
  }
}

TEST_CASE("members: each once, the first one's info, shown after the log and in its order",
          "[net]") {
  RunningApp app;
  Client ada(app), again(app), bob(app);
  const json::object first = ada.join(
      "presence-a", R"({"user_id":"ada","user_info":{"n":10000000000000000000001,"b":1,"a":2}})");
  // What a member says about himself is relayed as it came.
  CHECK(first.at("presence").at("count") == 1);
  (void)again.join("presence-a", R"({"user_id":"ada","user_info":"another"})");
  bob.send("pusher:subscribe", bob.subscription("presence-a", user("bob")));
  CHECK(bob.far.text().find(
            R"(\"hash\":{\"ada\":{\"n\":10000000000000000000001,\"b\":1,\"a\":2},\"bob\":null})") !=
        std::string::npos);
  const json::object added = ada.expect("pusher_internal:member_added");
  CHECK(data_of(added).at("user_id") == "bob");
  (void)again.expect("pusher_internal:member_added");
  const std::uint64_t joined = added.at("seq").to_number<std::uint64_t>();
  CHECK(app.in_log([joined](store::Transaction& transaction) {
    return transaction.writer().log().header(joined).value()->kind;
  }) == engine::Kind::Joined);
  ada.leave("presence-a");  // of two
  ada.nothing_more();
  bob.nothing_more();
  again.far.hang_up();  // the last
  const json::object removed = bob.expect("pusher_internal:member_removed");
  CHECK(data_of(removed).at("user_id") == "ada");
  CHECK(removed.at("seq").to_number<std::uint64_t>() > joined);
  CHECK(members(app, "presence-a") == Names{"bob"});
}

TEST_CASE("a refused member who leaves takes nobody out", "[net]") {
  RunningApp app([](Settings& s) { s.apps[0].members_max = 1; });
  Client ada(app), bob(app);
  (void)ada.join("presence-a", user("ada"));
  for (int i = 0; i < 3; ++i) {
    const json::object no = bob.refused(bob.subscription("presence-a", user("bob")));
    CHECK(text_at(no, "type") == "LimitReached");
    CHECK(no.at("status") == 4100);
    bob.leave("presence-a");
    bob.nothing_more();
  }
  // And one who leaves before he is refused.
  bob.far.send(
      client_text(
          Client::message("pusher:subscribe", bob.subscription("presence-a", user("bob")))) +
      client_text(Client::message("pusher:unsubscribe", json::object{{"channel", "presence-a"}})));
  bob.nothing_more();
  // The log and the hub agree on who is there.
  CHECK(app.in_log([](store::Transaction& transaction) {
    std::size_t out = 0;
    for (const auto& one : transaction.state().users) out += one.attendance.size();
    return out;
  }) == 1);
  CHECK(members(app, "presence-a") == Names{"ada"});
  app.app().hub().publish_event("presence-a", *channel_kind("presence-a"), "e", "1", 0);
  (void)ada.expect("e");
  bob.nothing_more();
}

TEST_CASE("a client event goes to the others as it was sent, and says who sent it", "[net]") {
  RunningApp app;
  Client ada(app), bob(app);
  (void)ada.join("presence-a", user("ada"));
  (void)bob.join("presence-a", user("bob"));
  (void)ada.expect("pusher_internal:member_added");
  ada.far.say(
      R"({"event":"client-x","channel":"presence-a","user_id":"eve","data": {"b":10000000000000000000001,"a":"\ud83d"} ,"more":1})");
  CHECK(
      bob.far.text() ==
      R"({"event":"client-x","channel":"presence-a","data":{"b":10000000000000000000001,"a":"\ud83d"},"user_id":"ada"})");
  (void)ada.join("private-b");
  (void)bob.join("private-b");
  ada.far.say(R"({"event":"client-y","channel":"private-b"})");
  CHECK(bob.far.text() == R"({"event":"client-y","channel":"private-b"})");
  ada.nothing_more();
}

TEST_CASE("each client event that is refused is told with 4301 and goes nowhere", "[net]") {
  RunningApp app([](Settings& s) {
    s.apps[0].event_max = 20;
    s.apps[0].client_events_per_s = 1000;
  });
  Client ada(app), bob(app);
  for (const std::string channel :
       {"private-a", "public", "private-encrypted-a", "private-presence"}) {
    (void)ada.join(channel);
    (void)bob.join(channel);
  }
  (void)bob.join("private-other");
  const auto check = [&](const std::string& event, const std::string& channel,
                         const std::string& data) {
    INFO(event.substr(0, 40) << " on " << channel);
    ada.far.say(fmt::format(R"({{"event":"{}","channel":"{}","data":{}}})", event, channel, data));
    CHECK(ada.error_code() == 4301);
  };
  check("client-x", "public", "1");
  check("client-x", "private-encrypted-a", "1");
  check("client-x", "private-presence", "1");
  check("client-x", "private-other", "1");  // of which she is no subscriber
  check("client-x", "private-nobody", "1");
  check("client-x", "not a channel", "1");
  check("client-x", "", "1");
  check("client-" + std::string(200, 'x'), "private-a", "1");
  check("client-x", "private-a", "\"" + std::string(19, 'd') + "\"");
  check("client-rollcall-active", "private-other", "{}");
  check("client-rollcall-away", "public", "{}");
  ada.far.say(R"({"event":"client-rollcall-active","channel":"private-a","data":{}})");
  ada.far.say(fmt::format(R"({{"event":"client-{}","channel":"private-a","data":"{}"}})",
                          std::string(193, 'x'), std::string(18, 'd')));
  // The first that bob hears is what was within all bounds.
  CHECK(text_at(bob.expect("client-" + std::string(193, 'x')), "data") == std::string(18, 'd'));
  ada.nothing_more();
}

TEST_CASE("client events have a rate, and can be off or for everybody", "[net]") {
  SECTION("more than one a second, where that is the rate") {
    RunningApp app([](Settings& s) { s.apps[0].client_events_per_s = 1; });
    Client ada(app), bob(app);
    (void)ada.join("private-a");
    (void)bob.join("private-a");
    const std::string event = client_text(R"({"event":"client-x","channel":"private-a"})");
    ada.far.send(event + event + client_text(Client::message("pusher:ping", json::object{})));
    CHECK(ada.error_code() == 4301);
    (void)ada.expect("pusher:pong");  // answered all the same
    (void)bob.expect("client-x");
    bob.nothing_more();
  }
  SECTION("off") {
    RunningApp app([](Settings& s) { s.apps[0].client_events = ClientEvents::None; });
    Client ada(app);
    (void)ada.join("private-a");
    ada.far.say(R"({"event":"client-x","channel":"private-a"})");
    CHECK(ada.error_code() == 4301);
  }
  SECTION("on public channels, too, for who is in") {
    RunningApp app([](Settings& s) { s.apps[0].client_events = ClientEvents::All; });
    Client ada(app), bob(app);
    (void)bob.join("public");
    ada.far.say(R"({"event":"client-x","channel":"public"})");
    CHECK(ada.error_code() == 4301);
    (void)ada.join("public");
    ada.far.say(R"({"event":"client-x","channel":"public"})");
    (void)bob.expect("client-x");
  }
}

TEST_CASE("a sign-in that is refused is 4009 and leaves the connection as it was", "[net]") {
  RunningApp app([](Settings& s) { s.apps[0].user_id_max = 10; });
  Client client(app), other(app);
  client.send("pusher:signin", json::object{{"auth", "app-key:00"}, {"user_data", person("ada")}});
  CHECK(client.error_code() == 4009);
  client.send("pusher:signin", json::object{});
  CHECK(client.error_code() == 4009);
  for (const std::string bad : {"[]", "{}", R"({"id":""})", R"({"id":7})", R"({"id":"a","id":"b"})",
                                R"({"id":"a\u0001"})", R"({"id":"elevenbytes"})"}) {
    INFO(bad);
    client.sign_in(bad);
    CHECK(client.error_code() == 4009);
  }
  CHECK(text_at(client.refused(json::object{{"channel", "#server-to-user-ada"}}), "type") ==
        "AuthError");
  client.sign_in(person("ada"));
  CHECK(text_at(data_of(client.expect("pusher:signin_success")), "user_data") == person("ada"));
  client.sign_in(person("bob"));
  CHECK(client.error_code() == 4009);
  client.sign_in(R"({"id":"ada","user_info":"again"})");
  (void)client.expect("pusher:signin_success");
  (void)client.join("#server-to-user-ada");
  CHECK(text_at(client.refused(json::object{{"channel", "#server-to-user-bob"}}), "type") ==
        "AuthError");
  // Who is signed in needs no channel_data: the signature covers connection and channel.
  const json::object in = client.join("presence-a");
  CHECK(in.at("presence").at("hash").at("ada") == "again");
  client.nothing_more();
  CHECK(state_of(app, "ada") == Presence::Online);
  CHECK_FALSE(state_of(app, "bob"));
}

TEST_CASE("a watchlist tells how its people are, once after the sign-in and when they change",
          "[net]") {
  RunningApp app([](Settings& s) { s.apps[0].watchlist_max = 2; });
  Client ada(app), bob(app);
  bob.sign_in(person("bob"));
  (void)bob.expect("pusher:signin_success");
  until_told(app, "bob");
  ada.sign_in(R"({"id":"ada","watchlist":["bob","bob","zoe","eve"]})");
  (void)ada.expect("pusher:signin_success");
  CHECK(ada.error_code() == 4302);  // the first two are watched
  const auto entries = [&] {
    return json::serialize(data_of(ada.expect("pusher_internal:watchlist_events")).at("events"));
  };
  CHECK(entries() ==
        R"([{"name":"online","user_ids":["bob"]},{"name":"offline","user_ids":["zoe"]}])");
  Client zoe(app), eve(app);
  eve.sign_in(person("eve"));
  (void)eve.expect("pusher:signin_success");
  zoe.sign_in(person("zoe"));
  (void)zoe.expect("pusher:signin_success");
  CHECK(entries() == R"([{"name":"online","user_ids":["zoe"]}])");
}

TEST_CASE("who fell behind is told what is so now, by the kind of the channel", "[net]") {
  RunningApp app([](Settings& s) { s.ring_bytes = 8192; });
  Client bob(app), slow(app);
  bob.sign_in(person("bob"));
  (void)bob.expect("pusher:signin_success");
  (void)bob.join("presence-a", user("bob"));
  const auto fall_behind = [&](const std::string& channel) {
    // More than the ring holds, in one turn of the shard: nobody can have read it in between.
    app.there([&] {
      const auto kind = *channel_kind(channel);
      for (int i = 0; i < 300; ++i)
        app.app().hub().publish(channel, message::event("filler", channel, std::string(500, '.')));
      if (kind.cached) app.app().hub().publish_event(channel, kind, "last", "1", 0);
    });
    json::object missed = slow.next();
    while (text_at(missed, "event") == "PresenceChanged") missed = slow.next();
    CHECK(text_at(missed, "event") == "rollcall:missed");
    CHECK(data_of(missed).contains("resumes"));
  };
  slow.sign_in(person("slow"));
  (void)slow.expect("pusher:signin_success");
  until_told(app, "bob");
  until_told(app, "slow");
  (void)slow.join("presence-a", user("slow"));
  fall_behind("presence-a");
  CHECK(data_of(slow.expect("pusher_internal:subscription_succeeded")).at("presence").at("count") ==
        2);
  slow.leave("presence-a");
  slow.send("pusher:subscribe", slow.subscription("private-cache-a"));
  (void)slow.expect("pusher_internal:subscription_succeeded");
  (void)slow.expect("pusher:cache_miss");
  fall_behind("private-cache-a");
  CHECK(text_at(slow.expect("last"), "data") == "1");
  slow.leave("private-cache-a");
  (void)slow.join("private-presence");
  fall_behind("private-presence");
  // In the log's order: who came first.
  CHECK(data_of(slow.expect("PresenceChanged")).at("user") == "bob");
  CHECK(data_of(slow.expect("PresenceChanged")).at("user") == "slow");
  slow.nothing_more();
}
