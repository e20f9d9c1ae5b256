// From sockets and requests to facts: which events a connection's life leaves in the log.
#include "net/presence/sessions.h"

#include "tests/support/served.h"

#include <fmt/format.h>

using namespace rollcall;
using engine::Kind;
using engine::Presence;
using net::LinkEnd;
using net::Write;
using store::Errc;
using store::Transaction;
using test::patient;
using test::Served;

namespace {

std::string kind(Kind of) { return std::string(engine::name_of(of)); }
std::string kind(Kind of, engine::Cause cause) {
  return fmt::format("{} {}", engine::name_of(of), engine::name_of(cause));
}

using Story = std::vector<std::string>;
using engine::Cause;

}  // namespace

TEST_CASE(
    "the first connection logs in, the last one lost begins the grace, one that comes is back",
    "[net]") {
  Served served(patient());
  REQUIRE(served.attach(16, 0, "ada"));
  REQUIRE(served.attach(32, 0, "ada"));
  CHECK(served.story() ==
        Story{kind(Kind::Login, Cause::Connect), kind(Kind::LinkUp), kind(Kind::LinkUp)});
  served.gone(16, LinkEnd::Clean);
  served.gone(32, LinkEnd::Abort);
  served.gone(32, LinkEnd::Abort);  // twice is once
  CHECK(served.story() ==
        Story{kind(Kind::LinkDown, Cause::Clean), kind(Kind::LinkDown, Cause::Abort)});
  CHECK(served.state_of("ada") == Presence::Online);
  REQUIRE(served.attach(48, 0, "ada"));
  CHECK(served.story() == Story{kind(Kind::LinkUp)});  // the same session
  CHECK(served.sessions_of("ada") == 1);
  CHECK(served.in_log([](Transaction& transaction) {
    const auto& state = transaction.state();
    return state.sessions.at(state.users[1].sessions.front()).detached;
  }) == false);
}

TEST_CASE("when the grace is over the session ends, and who comes then logs in anew", "[net]") {
  engine::Policy policy = patient();
  policy.grace_abort_s = 0;
  Served served(policy);
  REQUIRE(served.attach(16, 0, "ada"));
  served.gone(16, LinkEnd::Timeout);
  served.until("ada", Presence::Offline);
  CHECK(served.story() == Story{kind(Kind::Login, Cause::Connect), kind(Kind::LinkUp),
                                kind(Kind::LinkDown, Cause::Timeout),
                                kind(Kind::Logout, Cause::GraceExpired)});
  REQUIRE(served.attach(32, 0, "ada"));
  CHECK(served.story() == Story{kind(Kind::Login, Cause::Connect), kind(Kind::LinkUp)});
  // A server that drains has a grace of its own.
  served.gone(32, LinkEnd::Drain);
  CHECK(served.state_of("ada") == Presence::Online);
}

TEST_CASE("devices that name their session are present for themselves", "[net]") {
  engine::Policy policy = patient();
  policy.grace_clean_s = 0;
  Served served(policy);
  REQUIRE(served.attach(16, 0, "ada", "phone"));
  REQUIRE(served.attach(32, 0, "ada", "laptop"));
  REQUIRE(served.attach(48, 0, "ada", "laptop"));
  CHECK(served.sessions_of("ada") == 2);
  (void)served.story();
  // "Away" of one tab is nothing while another tab of the session is there.
  served.sessions->hint_away(32);
  CHECK(served.story().empty());
  served.sessions->hint_away(16);
  CHECK(served.story() == Story{kind(Kind::Inactivity, Cause::ClientHint)});
  CHECK(served.state_of("ada") == Presence::Online);  // on the laptop
  served.gone(48, LinkEnd::Clean);
  served.sessions->hint_away(32);
  CHECK(served.state_of("ada") == Presence::Away);
  served.sessions->touch(32);
  CHECK(served.state_of("ada") == Presence::Online);
  served.gone(32, LinkEnd::Clean);
  served.until("ada", Presence::Away);  // on the phone
  served.gone(16, LinkEnd::Clean);
  served.until("ada", Presence::Offline);
}

TEST_CASE("a connection stands for its user as long as it has a reason to", "[net]") {
  Served served(patient());
  REQUIRE(served.attach(16, 0, "ada"));
  const auto joined = served.attach(16, 1, "ada", {}, "presence-a");
  REQUIRE(joined);
  REQUIRE(served.attach(16, 2, "ada", {}, "presence-b"));
  CHECK(served.in_log([&](Transaction& transaction) {
    return transaction.writer().log().header(*joined).value()->kind;
  }) == Kind::Joined);
  CHECK(served.story() == Story{kind(Kind::Login, Cause::Connect), kind(Kind::LinkUp),
                                kind(Kind::Joined), kind(Kind::Joined)});
  served.detach(16, 7, "presence-a");  // a reason that it does not have
  served.detach(99, 1, "presence-a");
  CHECK(served.story().empty());
  served.detach(16, 0);
  served.detach(16, 1, "presence-a");
  CHECK(served.story() == Story{kind(Kind::Left)});
  served.detach(16, 2, "presence-b");
  CHECK(served.story() == Story{kind(Kind::Left), kind(Kind::LinkDown, Cause::Clean)});
  // One connection may be several people, in several channels.
  REQUIRE(served.attach(32, 1, "ada", {}, "presence-a"));
  REQUIRE(served.attach(32, 2, "bob", {}, "presence-b"));
  (void)served.story();
  served.gone(32, LinkEnd::Abort,
              {{"presence-a", "ada", 1}, {"presence-b", "bob", 2}, {"presence-c", "bob", 3}});
  CHECK(served.story() == Story{kind(Kind::Left), kind(Kind::Left),
                                kind(Kind::LinkDown, Cause::Abort),
                                kind(Kind::LinkDown, Cause::Abort)});
}

TEST_CASE("a termination and a logout of all end every session at once, whoever is connected",
          "[net]") {
  Served served(patient());
  const auto open = [&] {
    REQUIRE(served.attach(16, 0, "ada", "phone"));
    REQUIRE(served.attach(32, 0, "ada", "laptop"));
    REQUIRE(served.write(Kind::Login, "ada", "api"));
    CHECK(served.sessions_of("ada") == 3);
    (void)served.story();
  };
  open();
  served.sessions->terminate("ada");
  served.sessions->terminate("nobody");
  CHECK(served.story() == Story{kind(Kind::Logout, Cause::Revoked)});
  CHECK(served.state_of("ada") == Presence::Offline);
  // Connections that are still there count for nothing until they sign in again.
  served.sessions->touch(16);
  served.sessions->hint_away(16);
  served.gone(32, LinkEnd::Clean);
  served.sessions->terminate("ada");
  CHECK(served.story().empty());
  open();
  REQUIRE(served.write(Kind::Logout, "ada", "phone"));
  CHECK(served.sessions_of("ada") == 2);
  const auto reply = served.write(Kind::Logout, "ada");
  REQUIRE(reply);
  CHECK(reply->presence == engine::name_of(Presence::Offline));
  CHECK(served.sessions_of("ada") == 0);
  CHECK(served.story() ==
        Story{kind(Kind::Logout, Cause::Logout), kind(Kind::Logout, Cause::Logout)});
}

TEST_CASE("a write that cannot be is refused, and nothing of it is in the log", "[net]") {
  Served served(patient());
  REQUIRE(served.write(Kind::Login, "ada", "phone"));
  (void)served.story();
  CHECK(served.write(Kind::Login, "").error().code == Errc::BadInput);
  CHECK(served.attach(16, 0, "").error().code == Errc::BadInput);
  CHECK(served.attach(16, 0, std::string("a\0b", 3)).error().code == Errc::BadInput);
  CHECK(served.write(Kind::Logout, "zoe").error().code == Errc::NotFound);
  CHECK(served.write(Kind::Activity, "zoe").error().code == Errc::NotFound);
  CHECK(served.write(Kind::Logout, "ada", "laptop").error().code == Errc::Conflict);
  CHECK(served.write(Kind::Activity, "ada", "laptop").error().code == Errc::Conflict);
  REQUIRE(served.write(Kind::Logout, "ada"));
  CHECK(served.write(Kind::Logout, "ada").error().code == Errc::Conflict);
  CHECK(served.write(Kind::Activity, "ada").error().code == Errc::Conflict);  // a mere touch
  CHECK(served.story() == Story{kind(Kind::Logout, Cause::Logout)});
  CHECK_FALSE(served.in_log(
      [](Transaction& transaction) { return transaction.writer().vault().number_of("zoe"); }));
}

TEST_CASE("a request under a key is done once and answered alike", "[net]") {
  Served served(patient());
  Write w;
  w.kind = Kind::Login;
  w.user = "ada";
  w.scope = "token:shop";
  w.idempotency_key = "order-7";
  w.request_digest = "one";
  const auto first = served.write(w);
  REQUIRE(first);
  CHECK_FALSE(first->repeated);
  const auto again = served.write(w);
  REQUIRE(again);
  CHECK(again->repeated);
  CHECK(again->seq == first->seq);
  CHECK(again->presence == first->presence);
  CHECK(served.story() == Story{kind(Kind::Login, Cause::Login)});
  Write other = w;
  other.request_digest = "another";
  CHECK(served.write(other).error().code == Errc::BadInput);
  other.scope = "token:else";  // whose key is his own
  CHECK(served.write(other).value().outcome == "duplicate");
}

TEST_CASE("what a reply says of somebody who hides is what others see", "[net]") {
  Served served(patient());
  REQUIRE(served.write(Kind::Login, "zoe"));
  Write hide;
  hide.kind = Kind::StatusSet;
  hide.user = "zoe";
  hide.flags = static_cast<std::uint16_t>(engine::Override::Invisible);
  REQUIRE(served.write(hide));
  const auto offline = engine::name_of(Presence::Offline);
  Write order;
  order.kind = Kind::Activity;
  order.user = "zoe";
  order.action = "order.paid";
  CHECK(served.write(order).value().presence == offline);
  order.sees_inside = true;
  CHECK(served.write(order).value().presence == engine::name_of(Presence::Online));
  // What needs her to be there is refused as if she was not; that it was done is hers to know.
  const auto touched = served.write(Kind::Activity, "zoe");
  REQUIRE(touched.has_error());
  CHECK(touched.error().code == Errc::Conflict);
  CHECK(touched.error().detail == served.write(Kind::Activity, "zoe").error().detail);
  const auto login = served.write(Kind::Login, "zoe");
  CHECK(login.value().outcome == "applied");  // not that it is one of two
  CHECK(login.value().presence == offline);
}

TEST_CASE("once nothing is recorded any more everybody is answered so", "[net]") {
  Served served(patient());
  REQUIRE(served.attach(16, 0, "ada"));
  served.live->stop();
  CHECK(served.attach(32, 0, "bob").error().code == Errc::Io);
  CHECK(served.write(Kind::Login, "bob").error().code == Errc::Io);
  served.detach(16, 0);
  served.gone(16, LinkEnd::Clean);
}
