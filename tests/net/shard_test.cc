// What a shard does with a connection's bytes: frames, silence, the end of it.
#include "net/hub/shard.h"

#include "net/hub/liveness.h"
#include "tests/support/shard_rig.h"

#include <algorithm>

using namespace rollcall;
using namespace rollcall::net;
using test::client_frame;
using test::client_text;
using test::FarEnd;
using test::Rig;

namespace {

constexpr std::uint8_t kBegin = 0x01, kEnd = 0x80, kGoOn = 0x00, kBinary = 0x82, kClose = 0x88,
                       kPing = 0x89, kPong = 0x8A;

using End = Protocol::End;
using Ends = std::vector<Protocol::End>;

/// How a connection ends that sends these bytes: the code that it is told.
std::uint16_t code_for(const std::string& bytes, End end) {
  Rig rig;
  FarEnd far;
  rig.open(far);
  far.send(bytes);
  const std::uint16_t code = far.until_close().code();
  CHECK(rig.ends(1) == Ends{end});
  CHECK_FALSE(far.next());  // nothing is said after it
  far.hang_up();
  rig.until_open(0);
  CHECK(rig.ends(1).size() == 1);  // told once
  return code;
}

}  // namespace

TEST_CASE("messages come whole and once, wherever their bytes are cut", "[net]") {
  Rig rig;
  FarEnd far;
  rig.open(far);
  const std::string bytes = client_text("first") + client_frame(kBegin, "sec") +
                            client_frame(kPing, "alive?") + client_frame(kGoOn, "o") +
                            client_frame(kEnd, "nd") + client_text(std::string(200, 'l'));
  const std::vector<std::string> right{"first", "second", std::string(200, 'l')};
  const auto check = [&] {
    far.until_read();
    rig.until([&] { return rig.protocol.heard.size() >= right.size(); });
    REQUIRE(rig.there([&] { return std::exchange(rig.protocol.heard, {}); }) == right);
    const auto pong = far.next();  // comes between the pieces of a message
    REQUIRE(pong);
    REQUIRE(pong->opcode == (kPong & 0xFU));
    REQUIRE(pong->payload == "alive?");
  };
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
    INFO("cut at " << cut);
    far.send(bytes.substr(0, cut));
    far.until_read();
    far.send(bytes.substr(cut));
    check();
  }
  for (const char byte : bytes) {
    far.send({&byte, 1});
    far.until_read();
  }
  check();
  CHECK(rig.there([&] { return rig.protocol.ended.empty(); }));
}

TEST_CASE("what came behind the upgrade is read after the welcome", "[net]") {
  Rig rig;
  FarEnd far;
  rig.open(far, client_text("say early") + client_text("say bird").substr(0, 5));
  CHECK(far.text() == "early");
  far.send(client_text("say bird").substr(5));
  CHECK(far.text() == "bird");
  FarEnd pushy;
  rig.open(pushy, std::string(rig.settings.apps[0].message_max + 65'536 + 17, 'x'));
  CHECK(pushy.until_close().code() == 1009);
}

TEST_CASE("what a client may not say ends it with the code that RFC 6455 has for it", "[net]") {
  const std::string big(1001, 'b'), half(600, 'h');
  CHECK(code_for("\x81\x02hi", End::Abort) == 1002);  // not masked
  CHECK(code_for(client_frame(kBinary, "b"), End::Abort) == 1003);
  CHECK(code_for(client_text("\xC3("), End::Abort) == 1007);
  CHECK(code_for(client_frame(kBegin, "\xC3") + client_frame(kEnd, "("), End::Abort) == 1007);
  CHECK(code_for(client_text(big), End::Abort) == 1009);
  CHECK(code_for(client_text(big).substr(0, 8), End::Abort) == 1009);  // before it came
  CHECK(code_for(client_frame(kBegin, half) + client_frame(kEnd, half), End::Abort) == 1009);
  CHECK(code_for(client_frame(kEnd, "of what?"), End::Abort) == 1002);
  CHECK(code_for(client_frame(kBegin, "a") + client_text("b"), End::Abort) == 1002);
  // One's own close is answered with its code, or with what says that it was none.
  CHECK(code_for(client_frame(kClose, "\x03\xE8"), End::Clean) == 1000);
  CHECK(code_for(client_frame(kClose, "\x0F\xA0"), End::Clean) == 4000);
  CHECK(code_for(client_frame(kClose, ""), End::Clean) == 1000);
  CHECK(code_for(client_frame(kClose, "\x03\xED"), End::Clean) == 1002);  // 1005: never sent
  CHECK(code_for(client_frame(kClose, "\x03"), End::Clean) == 1002);
}

TEST_CASE("a character that two frames share is a character", "[net]") {
  Rig rig;
  FarEnd far;
  rig.open(far);
  far.send(client_frame(kBegin, "say \xC3") + client_frame(kEnd, "\xA4"));
  CHECK(far.text() == "\xC3\xA4");
}

TEST_CASE("who breaks off has been lost, and whoever was told so is told once", "[net]") {
  Rig rig;
  FarEnd far;
  const ConnectionId id = rig.open(far);
  rig.join(far, "room");
  far.hang_up();
  CHECK(rig.ends(1) == Ends{End::Abort});
  rig.until_open(0);
  CHECK(rig.there([&] { return rig.shard.find(id) == nullptr; }));
  CHECK_FALSE(rig.hub.occupied("room"));
  // What is still said to it goes nowhere.
  rig.hub.tell(id, "late");
  rig.hub.close(id, 4009, "late");
  rig.hub.refuse(id, 1, "room", "late");
  rig.hub.subscribe(id, 99, "room", *channel_kind("room"), nullptr, 0);
  rig.until([&] { return !rig.hub.occupied("room"); });  // the shard gave the place back
  CHECK(rig.ends(1).size() == 1);
}

TEST_CASE("a silent connection is asked, one that answers stays, one that does not is closed",
          "[net]") {
  Rig rig;
  FarEnd far;
  rig.open(far);
  const std::int64_t patience = silence_most_s(10);
  rig.pass(patience - 1);
  far.say("say hello");
  CHECK(far.text() == "hello");  // nothing was asked before it
  rig.pass(patience);
  CHECK(far.text() == message::ping());
  const auto ping = far.next();
  REQUIRE(ping);
  CHECK(ping->opcode == (kPing & 0xFU));
  far.send(client_frame(kPong, ""));
  far.until_read();
  rig.pass(patience);
  // One that has answered a frame is asked by a frame alone.
  CHECK(far.next()->opcode == (kPing & 0xFU));
  rig.pass(4);  // an answer may take five seconds
  CHECK(rig.there([&] { return rig.protocol.ended.empty(); }));
  far.say("anything counts");
  far.until_read();
  rig.pass(patience);
  CHECK(far.next()->opcode == (kPing & 0xFU));
  rig.pass(5);
  CHECK(far.text() == message::error(4201, "Pong reply not received in time"));
  CHECK(far.until_close().code() == 4201);
  CHECK(rig.ends(1) == Ends{End::Timeout});
}

TEST_CASE("who talks and hears nothing is asked, too", "[net]") {
  Rig rig;
  FarEnd far;
  rig.open(far);
  for (int i = 0; i < 11; ++i) {
    far.say("client events are not answered");
    far.until_read();
    rig.pass(1);
  }
  CHECK(far.text() == message::ping());
}

TEST_CASE("who is to sign in has so long, and who has signed in any time", "[net]") {
  Rig rig([](Settings& s) { s.apps[0].sign_in_within_s = 3; });
  FarEnd stranger, known;
  rig.open(stranger);
  const ConnectionId id = rig.open(known);
  rig.there([&] { rig.shard.find(id)->authorized = true; });
  rig.pass(3);
  CHECK(rig.there([&] { return rig.protocol.ended.empty(); }));
  rig.pass(1);
  CHECK(stranger.until_close().code() == 4009);
  known.say("say here");
  CHECK(known.text() == "here");
}

TEST_CASE("a close that the other side does not answer is waited for two seconds", "[net]") {
  Rig rig;
  FarEnd far;
  const ConnectionId id = rig.open(far);
  rig.hub.close(id, 4009, "go");
  CHECK(far.text() == message::error(4009, "go"));
  CHECK(far.until_close().code() == 4009);
  CHECK(rig.ends(1) == Ends{End::Clean});
  CHECK(rig.shard.connection_count() == 1);
  far.say("say what comes after a close is thrown away");
  far.until_read();
  rig.pass(2);
  CHECK(rig.shard.connection_count() == 1);
  rig.pass(1);
  CHECK(rig.shard.connection_count() == 0);
  CHECK(rig.there([&] { return rig.protocol.heard.empty(); }));
}

TEST_CASE("joining, leaving and joining again in one packet is being there", "[net]") {
  Rig rig;
  FarEnd far;
  rig.open(far);
  far.send(client_text("join room") + client_text("leave room") + client_text("join room"));
  // The first place was given up before it was there: it is answered by nothing.
  CHECK(far.text() == message::subscription_succeeded("room"));
  CHECK(rig.hub.channel("room").subscriptions == 1);
  rig.hub.publish("room", "heard");
  rig.hub.publish("room", "once");
  CHECK(far.text() == "heard");
  CHECK(far.text() == "once");
}

TEST_CASE("a refusal is for the subscription that it names, not for a newer one", "[net]") {
  Rig rig;
  FarEnd far;
  const ConnectionId id = rig.open(far);
  const Ticket ticket = rig.there([&] {
    Connection& c = *rig.shard.find(id);
    const Ticket first = rig.shard.await_place(c, "room");
    rig.shard.detach(c, "room");
    return first;
  });
  rig.join(far, "room");
  rig.hub.refuse(id, ticket, "room", "stale");
  rig.hub.publish("room", "still here");
  CHECK(far.text() == "still here");
  const Ticket waiting =
      rig.there([&] { return rig.shard.await_place(*rig.shard.find(id), "other"); });
  rig.hub.refuse(id, waiting, "other", "no");
  CHECK(far.text() == "no");
  CHECK(rig.there([&] { return rig.protocol.refusals; }) == std::vector<std::string>{"other"});
  CHECK(rig.there([&] { return Shard::subscription(*rig.shard.find(id), "other") == nullptr; }));
}

TEST_CASE("connections have numbers of their own, whose shard can be read from them", "[net]") {
  Rig rig;
  std::vector<std::unique_ptr<FarEnd>> all;
  std::vector<ConnectionId> ids;
  for (int i = 0; i < 200; ++i) {
    all.push_back(std::make_unique<FarEnd>());
    ids.push_back(rig.open(*all.back()));
    CHECK(shard_of(ids.back()) == 0);
    CHECK(parse_socket_id(socket_id_text(ids.back())) == ids.back());
  }
  std::sort(ids.begin(), ids.end());
  CHECK(std::adjacent_find(ids.begin(), ids.end()) == ids.end());
}
