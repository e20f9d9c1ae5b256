// Channel names, signatures, messages, hosts: the pure parts of the wire.
#include "net/hub/connection.h"
#include "net/hub/liveness.h"
#include "net/hub/settings.h"
#include "net/wire/channel_name.h"
#include "net/wire/http_message.h"
#include "net/wire/keyed_hash.h"
#include "net/wire/pusher_message.h"
#include "net/wire/pusher_signature.h"

#include <boost/json.hpp>
#include <catch2/catch.hpp>

#include <set>

using namespace rollcall::net;

TEST_CASE("a channel's kind follows the longest whole prefix", "[net]") {
  struct Row {
    std::string name;
    bool auth, presence, encrypted, cached, client_events;
  };
  for (const Row& row :
       std::vector<Row>{{"private-encrypted-cache-x", true, false, true, true, false},
                        {"private-encrypted-x", true, false, true, false, false},
                        {"private-cache-x", true, false, false, true, true},
                        {"private-x", true, false, false, false, true},
                        {"presence-cache-x", true, true, false, true, true},
                        {"presence-x", true, true, false, false, true},
                        {"cache-x", false, false, false, true, false},
                        {"privateers", false, false, false, false, false},
                        {"presences", false, false, false, false, false},
                        {"cached", false, false, false, false, false},
                        {"#server-to-user-u7", false, false, false, false, false},
                        {"private-presence.ada", true, false, false, false, false}}) {
    INFO(row.name);
    const auto kind = channel_kind(row.name);
    REQUIRE(kind);
    CHECK(kind->needs_auth == row.auth);
    CHECK(kind->presence == row.presence);
    CHECK(kind->encrypted == row.encrypted);
    CHECK(kind->cached == row.cached);
    CHECK(kind->client_events() == row.client_events);
  }
  for (const std::string bad : {"", "a b", "a/b", "#x", "#server-to-user-", "\xc3\xa4"})
    CHECK_FALSE(channel_kind(bad));
  CHECK_FALSE(channel_kind(std::string(201, 'a')));
}

TEST_CASE("a user's presence channel can be written and read back, or there is none", "[net]") {
  for (const std::string user : {"ada", "j\xc3\xbcrgen x", "a=b", "x@y.z", "\x01"})
    CHECK(user_of_presence_channel(*presence_channel_of(user)) == user);
  CHECK(*presence_channel_of("a b") == "private-presence.a=20b");
  CHECK_FALSE(presence_channel_of(std::string(200, 'x')));
  for (const std::string bad :
       {"private-presence", "private-presence.", "private-presence.=", "private-presence.=2",
        "private-presence.=zz", "private-presence.=41"})
    CHECK_FALSE(user_of_presence_channel(bad));
}

TEST_CASE("signatures: the vectors of the protocol", "[net]") {
  const std::string key = "278d425bdf160c739803", secret = "7ad3773142a6692b25b8";
  const auto auth = [&](const std::string& text) { return key + ":" + hmac_hex(secret, text); };
  CHECK(hmac_hex(secret, channel_string("1234.1234", "private-foobar", {})) ==
        "58df8b0c36d6982b82c3ecf6b4662e34fe8c25bba48f5369f135bf843651c3a4");
  CHECK(hmac_hex(secret, channel_string("1234.1234", "presence-foobar",
                                        R"({"user_id":10,"user_info":{"name":"Mr. Channels"}})")) ==
        "31935e7d86dba64c2a90aed31fdc61869f9b22ba9d8863bba239c03ca481bc80");
  CHECK(hmac_hex(secret, user_string("1234.1234", R"({"id":"12345"})")) ==
        "4708d583dada6a56435fb8bc611c77c359a31eebde13337c16ab43aa6de336ba");
  CHECK(
      hmac_hex(
          secret,
          R"({"time_ms":1327078148132,"events":[{"name":"channel_occupied","channel":"my-channel"}]})") ==
      "c19001ae3963ccb13bf618e5b16ba9848e7e74df0993aa0689168e341c6833cf");
  CHECK(verify_auth(auth("x"), key, secret, "x"));
  CHECK_FALSE(verify_auth(auth("x"), "other", secret, "x"));
  CHECK_FALSE(verify_auth(auth("x"), key, "other", "x"));
  CHECK_FALSE(verify_auth("", key, secret, "x"));

  const std::string body =
      R"({"name":"foo","channels":["project-3"],"data":"{\"some\":\"data\"}"})";
  CHECK(md5_hex(body) == "ec365a775a4cd0599faeb73354201b6f");
  const std::string post =
      "auth_key=278d425bdf160c739803&auth_timestamp=1353088179&auth_version=1.0&body_md5="
      "ec365a775a4cd0599faeb73354201b6f&auth_signature="
      "da454824c97ba181a32ccc17a72625ba02771f50b50e1e7430e47a1f3f457e6c";
  const SignedRequest request{"POST", "/apps/3/events", post, body};
  CHECK(signed_parameters(request, key, secret, 1353088179).has_value());
  CHECK(signed_parameters(request, key, secret, 1353088179 + 600).has_value());
  CHECK_FALSE(signed_parameters(request, key, secret, 1353088179 + 601).has_value());
  CHECK_FALSE(signed_parameters({"PUT", "/apps/3/events", post, body}, key, secret, 1353088179)
                  .has_value());
  CHECK_FALSE(
      signed_parameters({"POST", "/apps/3/events", post, body + " "}, key, secret, 1353088179)
          .has_value());
  const std::string get =
      "auth_key=278d425bdf160c739803&auth_timestamp=1353088179&auth_version=1.0&filter_by_prefix="
      "presence-&info=user_count%2Csubscription_count&auth_signature="
      "ff97d40ab3fbbd15394386a29c12998c33635305357b2e2abd18dc67efe3f87d";
  CHECK(
      signed_parameters({"GET", "/apps/3/channels", get, ""}, key, secret, 1353088179).has_value());
}

TEST_CASE("an array of a query is signed with its values joined", "[net]") {
  const std::string secret = "s";
  const std::string text =
      "GET\n/apps/1/channels\nauth_key=k&auth_timestamp=100&auth_version=1.0&info=a,b";
  const std::string query =
      "auth_key=k&auth_timestamp=100&auth_version=1.0&info[]=a&info[]=b&auth_signature=" +
      hmac_hex(secret, text);
  CHECK(signed_parameters({"GET", "/apps/1/channels", query, ""}, "k", secret, 100).has_value());
}

TEST_CASE("a member of a JSON object is found as it was written", "[net]") {
  CHECK(raw_member(R"({"a":1.0 , "data": {"x":[1,{"y":"}"}], "z":1e400} ,"b":2})", "data") ==
        R"({"x":[1,{"y":"}"}], "z":1e400})");
  CHECK(raw_member(R"({"data":"a\"b,}"})", "data") == R"("a\"b,}")");
  CHECK(raw_member(R"({"data":1,"data":[2]})", "data") == "[2]");
  CHECK(raw_member(R"({"x":{"data":1}})", "data").empty());
  CHECK(raw_member("", "data").empty());
  CHECK(raw_member("{\"data\":", "data").empty());
}

TEST_CASE("what clients say about themselves", "[net]") {
  const auto id = parse_channel_data(R"({"user_id":7,"user_info":{"n":1.50,"session":"tab"}})");
  REQUIRE(id);
  CHECK(id->id == "7");
  CHECK(id->info == R"({"n":1.50,"session":"tab"})");
  CHECK(id->session == "tab");
  CHECK(parse_channel_data(R"({"user_id":"u"})")->info == "null");
  for (const std::string bad :
       {"", "[]", "{}", R"({"user_id":""})", R"({"user_id":1.5})", R"({"user_id":true})"})
    CHECK_FALSE(parse_channel_data(bad));
  CHECK(parse_user_data(R"({"id":"u","watchlist":["a",1,"b"]})")->watchlist ==
        std::vector<std::string>{"a", "b"});
  for (const std::string bad : {"", "{}", R"({"id":5})", R"({"id":""})"})
    CHECK_FALSE(parse_user_data(bad));
}

TEST_CASE("messages are written as protocol 7 has them", "[net]") {
  CHECK(message::event("e", "c", "{\"a\":\"\n\"}") ==
        R"({"event":"e","channel":"c","data":"{\"a\":\"\n\"}"})");
  CHECK(message::event("e", "c", "1", 9) == R"({"event":"e","channel":"c","data":"1","seq":9})");
  CHECK(message::client_event("client-x", "c", "", "u") ==
        R"({"event":"client-x","channel":"c","user_id":"u"})");
  CHECK(message::error(std::nullopt, "x") ==
        R"({"event":"pusher:error","data":{"code":null,"message":"x"}})");
  CHECK(message::member_removed("c", "u", 0) ==
        R"({"event":"pusher_internal:member_removed","channel":"c","data":"{\"user_id\":\"u\"}"})");
}

TEST_CASE("socket ids are two numbers joined by a dot", "[net]") {
  const ConnectionId id = (std::uint64_t{81} << 32) | 4711;
  CHECK(socket_id_text(id) == "81.4711");
  CHECK(parse_socket_id("81.4711") == id);
  for (const std::string bad : {"", ".", "1.", ".1", "1.2.3", "a.1", "-1.2", "1 .2", "1.2\n"})
    CHECK(parse_socket_id(bad) == 0);
  CHECK(parse_socket_id("99999999999.1") == ~ConnectionId{0});
}

TEST_CASE("hosts and origins", "[net]") {
  CHECK(host_allowed("127.0.0.1:80", {}));
  CHECK(host_allowed("[::1]:80", {}));
  CHECK(host_allowed("LOCALHOST", {}));
  CHECK(host_allowed("a.example:1", {"a.example"}));
  for (const std::string bad :
       {"", "evil", "127.0.0.1.evil", "10.0.0.1", "[::2]", "[", "a.example.evil"})
    CHECK_FALSE(host_allowed(bad, {"a.example"}));
  CHECK(origin_host("https://Site.example:8443/x") == "Site.example");
  CHECK(host_matches("a.site.example", {"*.site.example"}));
  CHECK(host_matches("SITE.example", {"https://site.example"}));
  CHECK_FALSE(host_matches("site.example.evil", {"*.site.example", "site.example"}));
}

TEST_CASE("a server speaks before nginx takes an idle connection for dead", "[net]") {
  constexpr std::uint32_t kProxy = 60;
  // The page itself asks in time, by what it is told, and is answered; so it costs nothing more.
  CHECK(AppSettings{}.activity_timeout_s + 5 <= kProxy);
  CHECK(AppSettings{}.activity_timeout_s < silence_most_s(AppSettings{}.activity_timeout_s));
  for (const std::uint32_t told : {1U, 2U, 30U, 50U, 55U, 60U, 120U, 86'400U}) {
    INFO(told);
    CHECK(silence_most_s(told) + 2 < kProxy);  // two seconds: both clocks tick once a second
    CHECK(silence_most_s(told) > std::min(told, 54U));
  }
}

TEST_CASE("SipHash-2-4: the vectors of its authors, and a key of this process", "[net]") {
  HashKey key;
  for (std::size_t i = 0; i < key.size(); ++i) key[i] = static_cast<std::uint8_t>(i);
  std::string text;
  CHECK(siphash(key, text) == 0x726fdb47dd0e0e31);
  for (char c = 0; c < 15; ++c) text += c;
  CHECK(siphash(key, text.substr(0, 1)) == 0x74f839c593dc67fd);
  CHECK(siphash(key, text.substr(0, 8)) == 0x93f5f5799a932462);
  CHECK(siphash(key, text) == 0xa129ca6149be45e5);  // the paper's appendix
  std::set<std::size_t> met;
  // Names that one well-known unkeyed hash cannot tell apart.
  for (const std::string name : {"private-orders", "whwswqdfGuJQsXtq"})
    met.insert(KeyedHash{}(name));
  CHECK(met.size() == 2);
}

TEST_CASE("half a surrogate pair comes in and goes out as an escape", "[net]") {
  for (const std::string text : {R"("\ud83d")", R"("a\ud83db")", R"("\udc00\ud83d")",
                                 R"("\ud83d\ud83d\ude00")", R"("\ud83dA")"}) {
    INFO(text);
    const auto value = parse_json(text);
    REQUIRE(value.has_value());
    const std::string again = json_string(value->get_string());
    CHECK((parse_json(again) == value));
    CHECK(escape_halves(boost::json::serialize(*value)) == again);
  }
  CHECK(json_string(parse_json(R"("\ud83d\ude00")")->get_string()) == "\"\xf0\x9f\x98\x80\"");
  CHECK(json_string("\xed\x9f\xbf") == "\"\xed\x9f\xbf\"");  // the last before them is a letter
  for (const std::string bad :
       {"\"\xed\xa0\xbd\"", "[\"\\ud83d\", \"\xff\"]", R"("\ud83")", R"("\ud83d)"})
    CHECK_FALSE(parse_json(bad).has_value());
  const auto message =
      parse_client_message(R"({"event":"client-x","channel":"c","data":{"\ud83d":1}})");
  REQUIRE(message.has_value());
  CHECK(message->raw_data == R"({"\ud83d":1})");
  CHECK(parse_client_message(R"({"event":"e","d\u0061ta":[1]})")->raw_data == "[1]");
  CHECK(parse_channel_data(R"({"user_id":"u","user_info":{"n":"\ud83d"}})")->info ==
        R"({"n":"\ud83d"})");
  CHECK(parse_user_data(R"({"id":"u","watchlist":["a","b","a"]})")->watchlist.size() == 2);
  CHECK(message::watchlist_events({{"online", {"\xed\xa0\xbd"}}}).find("\xed") ==
        std::string::npos);
}

TEST_CASE("a key that stands twice in one object is found, however it is written", "[net]") {
  using Found = std::optional<std::string>;
  const auto twice = [](std::string_view text) { return key_twice(text); };
  CHECK(twice(R"({"a":1,"a":2})") == Found("a"));
  CHECK(twice(R"({"a":1,"b":{"c":[{"d":1,"e":2,"d":3}]}})") == Found("d"));
  CHECK(twice(R"({"user":"ada","\u0075ser":"eve"})") == Found("user"));
  CHECK(twice(R"({"a\"b":1,"c":2,"a\u0022b":3})") == Found("a\"b"));
  CHECK(twice(R"({"":1,"":2})") == Found(""));
  CHECK(twice(R"({"\ud83d":1,"\uD83D":2})") == Found("\xed\xa0\xbd"));
  CHECK(twice("{\"\\ud83d\\ude00\":1,\"\xf0\x9f\x98\x80\":2}") == Found("\xf0\x9f\x98\x80"));
  CHECK(twice(R"([{"a":1},{"a":1}])") == Found());
  CHECK(twice(R"({"a":"a","b":{"a":1},"c":["a","a"],"d":"{\"x\":1,\"x\":2}"})") == Found());
  CHECK(twice(R"({"a":"b:c","b":":","c:":"c:"})") == Found());
  CHECK(twice(R"({"a":"\\","b":"\\\"","c":1})") == Found());
  CHECK(key_twice(R"({"a":1,"d":{"x":1,"x":2}})", 1) == Found());
  CHECK(key_twice(R"({"a":1,"d":{"x":1,"x":2},"a":2})", 1) == Found("a"));
  for (const std::string_view text :
       {"", "\"", "\"\\", "}", "]{", ":", "{:}", "{\"a\":", "{\"a\"::}"})
    (void)key_twice(text);  // of what is no JSON anything, but an answer

  CHECK(read_body(R"({"a":1})", Halves::Refused).has_value());
  CHECK(read_body("{", Halves::Refused).error().detail == "the body is not JSON");
  CHECK(read_body(R"({"a":{"b":1,"b":1}})", Halves::Taken).error().detail ==
        "the key 'b' stands twice in one object of the body: write it once");
  CHECK_FALSE(read_body(R"(["\ud83d"])", Halves::Refused).has_value());
  CHECK(read_body(R"(["\ud83d"])", Halves::Taken).has_value());

  // What a client event relays is the sender's own; what is read of a message is not.
  CHECK(parse_client_message(R"({"event":"client-x","channel":"c","data":{"a":1,"a":2}})")->twice ==
        Found());
  CHECK(parse_client_message(R"({"event":"client-x","channel":"c","channel":"d"})")->twice ==
        Found("channel"));
  CHECK(parse_client_message(R"({"event":"pusher:subscribe","data":{"auth":"x","auth":"y"}})")
            ->twice == Found("auth"));
  CHECK(parse_client_message(
            R"({"event":"pusher:subscribe","data":"{\"auth\":\"x\",\"auth\":\"y\"}"})")
            ->twice == Found("auth"));
}
