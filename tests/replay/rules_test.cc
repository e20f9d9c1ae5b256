// The rules as sentences: each row of docs/presence.md that one event can meet is found where that
// event meets it.
#include "replay/rules.h"

#include "tests/support/scratch.h"

#include <catch2/catch.hpp>

#include <fstream>
#include <functional>
#include <set>

using namespace rollcall;
using namespace rollcall::replay;
using engine::Cause;
using engine::Header;
using engine::Kind;
using engine::Presence;
using engine::Seq;

namespace {

constexpr std::uint64_t kNode = (std::uint64_t{1} << 32) | 1, kLater = kNode + 1;

/// User 1 and 2, and the rules that the last event met for user 1.
struct World {
  engine::State state;
  RulesMet met;
  engine::Micros at = 1'000'000'000;

  World() {
    event(Kind::UserEnrolled, Cause::None, 1);
    event(Kind::UserEnrolled, Cause::None, 2);
  }
  Seq event(Kind kind, Cause cause, engine::UserNumber user = 1, Seq session = 0,
            std::uint64_t a = 0, std::uint64_t b = 0, std::uint16_t flags = 0) {
    Header h;
    h.kind = kind;
    h.cause = cause;
    h.user = user;
    h.session = session;
    h.a = a;
    h.b = b;
    h.flags = flags;
    h.seq = state.seq + 1;
    h.at = at += 1'000'000;
    RuleFinder finder(1);
    finder.before(state, h);
    std::vector<engine::Transition> transitions;
    const auto outcome = engine::apply(state, h, transitions);
    met = finder.after(state, h, outcome);
    return h.seq;
  }
  Seq login(std::uint64_t key = 0) { return event(Kind::Login, Cause::Login, 1, 0, key, key); }
  void act(Seq session, std::uint64_t producer = 0) {
    event(Kind::Activity, Cause::None, 1, session, 0, producer);
  }
  void idle(Seq session, std::uint64_t basis = 0) {
    const auto it = state.sessions.find(session);
    if (basis == 0 && it != state.sessions.end()) basis = it->second.act_rev;
    event(Kind::Inactivity, Cause::IdleTimeout, 1, session, basis);
  }
  void link(Seq session, std::uint64_t connection, std::uint64_t node = kNode) {
    event(Kind::LinkUp, Cause::Connect, 1, session, connection, node);
  }
  void unlink(Seq session, std::uint64_t connection, std::uint64_t node = kNode) {
    event(Kind::LinkDown, Cause::Abort, 1, session, connection, node);
  }
  void logout(Seq session, Cause cause = Cause::Logout, std::uint64_t basis = 0) {
    event(Kind::Logout, cause, 1, session, basis);
  }
  void status(engine::Override manual, bool quiet = false) {
    event(Kind::StatusSet, Cause::User, 1, 0, 0, 0,
          static_cast<std::uint16_t>(static_cast<int>(manual) |
                                     (quiet ? engine::flag::kDoNotDisturb : 0)));
  }
  void clear(Cause cause = Cause::User, std::uint64_t basis = 0) {
    event(Kind::StatusCleared, cause, 1, 0, 0, basis);
  }
  Seq detached() {
    const Seq s = login();
    link(s, 1);
    unlink(s, 1);
    return s;
  }
};

using enum engine::Override;

struct Row {
  const char* rule;
  std::function<void(World&)> happens;
};

const std::vector<Row> kRows{
    {"S01", [](World& w) { w.login(); }},
    {"S02",
     [](World& w) {
       w.login(7);
       w.login(7);
     }},
    {"S03", [](World& w) { w.act(w.login()); }},
    {"S04",
     [](World& w) {
       const Seq s = w.login();
       w.idle(s);
       w.act(0);  // the session that it concerns is the one there is
     }},
    {"S05",
     [](World& w) {
       const Seq s = w.login();
       w.act(s, 5);
       w.act(s, 5);
     }},
    {"S06", [](World& w) { w.act(99); }},
    {"S07", [](World& w) { w.idle(w.login()); }},
    {"S08", [](World& w) { w.idle(w.login(), 9); }},
    {"S09",
     [](World& w) {
       const Seq s = w.login();
       w.idle(s);
       w.idle(s);
     }},
    {"S10", [](World& w) { w.event(Kind::Inactivity, Cause::ClientHint, 1, w.login()); }},
    {"S11", [](World& w) { w.logout(w.login()); }},
    {"S12", [](World& w) { w.logout(99); }},
    {"S13", [](World& w) { w.link(w.login(), 1); }},
    {"S14",
     [](World& w) {
       const Seq s = w.login();
       w.link(s, 1);
       w.link(s, 1);
     }},
    {"S15",
     [](World& w) {
       const Seq s = w.login();
       w.event(Kind::NodeUp, Cause::None, 0, 0, kLater);
       w.link(s, 1);
     }},
    {"S16",
     [](World& w) {
       const Seq s = w.login();
       w.link(s, 1);
       w.link(s, 2);
       w.unlink(s, 1);
     }},
    {"S17", [](World& w) { w.detached(); }},
    {"S18", [](World& w) { w.unlink(w.login(), 1); }},
    {"S19", [](World& w) { w.logout(w.detached(), Cause::GraceExpired, 1); }},
    {"S20",
     [](World& w) {
       const Seq s = w.detached();
       w.link(s, 2);
       w.logout(s, Cause::GraceExpired, 1);
     }},
    {"S21", [](World& w) { w.act(w.detached()); }},
    {"S22", [](World& w) { w.idle(w.detached()); }},
    {"S23", [](World& w) { w.logout(w.login(), Cause::TtlExpired, 1); }},
    {"S24",
     [](World& w) {
       const Seq s = w.login();
       w.link(s, 1);
       w.logout(s, Cause::TtlExpired, 1);
     }},
    {"S25",
     [](World& w) {
       w.event(Kind::NodeUp, Cause::None, 0, 0, kNode);
       w.link(w.login(), 1);
       w.event(Kind::NodeDown, Cause::Crash, 0, 0, kNode);
     }},
    {"S26",
     [](World& w) {
       w.event(Kind::NodeUp, Cause::None, 0, 0, kNode);
       w.link(w.login(), 1);
       w.event(Kind::NodeUp, Cause::None, 0, 0, kLater);
     }},
    {"S28",
     [](World& w) {
       const Seq other = w.event(Kind::Login, Cause::Login, 2);
       w.act(other);
     }},
    {"S29", [](World& w) { w.link(99, 1); }},
    {"S30",
     [](World& w) {
       w.event(Kind::NodeUp, Cause::None, 0, 0, kNode);
       w.event(Kind::NodeDown, Cause::Crash, 0, 0, kNode);
       w.event(Kind::NodeDown, Cause::Crash, 0, 0, kNode);
     }},
    {"S31", [](World& w) { w.event(Kind::AliveMark, Cause::None, 0); }},
    {"U01",
     [](World& w) {
       w.login();
       w.status(Away);
     }},
    {"U02",
     [](World& w) {
       const Seq s = w.login();
       w.status(Away);
       w.act(s);
     }},
    {"U03",
     [](World& w) {
       const Seq s = w.login();
       w.status(Away);
       w.idle(s);
       w.act(s);
     }},
    {"U04",
     [](World& w) {
       w.login();
       w.status(Away);
       w.clear();
     }},
    {"U05",
     [](World& w) {
       w.idle(w.login());
       w.status(Away);
       w.clear();
     }},
    {"U06", [](World& w) { w.status(Away); }},
    {"U07",
     [](World& w) {
       w.status(Away);
       w.login();
     }},
    {"U08",
     [](World& w) {
       w.login();
       w.status(Invisible);
     }},
    {"U09",
     [](World& w) {
       w.login();
       w.status(Invisible);
       w.logout(0);
     }},
    {"U10",
     [](World& w) {
       w.idle(w.login());
       w.status(Invisible);
       w.clear();
     }},
    {"U11",
     [](World& w) {
       w.status(Away);
       w.clear(Cause::Expired, 1);
     }},
    {"U12",
     [](World& w) {
       w.status(Away);
       w.clear(Cause::Expired, 9);
     }},
    {"U13", [](World& w) { w.status(None, true); }},
    {"U14",
     [](World& w) {
       const Seq s = w.login();
       w.status(Away);
       w.logout(s);
     }},
    {"M01", [](World& w) { w.event(Kind::Joined, Cause::None, 1, 0, 5, kNode); }},
    {"M02", [](World& w) { w.event(Kind::Left, Cause::None, 1, 0, 5, kNode); }},
    {"C01",
     [](World& w) {
       const Seq a = w.login(1), b = w.login(2);
       w.idle(b);
       w.logout(a);
     }},
    {"C02",
     [](World& w) {
       w.idle(w.login(1));
       w.login(2);
     }},
    {"C11", [](World& w) { w.logout(w.login(), Cause::Superseded); }},
    {"C12",
     [](World& w) {
       w.login(1);
       w.login(2);
       w.logout(0);
     }},
    {"C21",
     [](World& w) {
       w.event(Kind::UserErased, Cause::Erased);
       w.login();
     }},
};

/// The numbers of the tables' rows.
std::set<std::string> numbered_rows() {
  std::ifstream file(std::string(ROLLCALL_SOURCE_DIR) + "/docs/presence.md");
  REQUIRE(file);
  std::set<std::string> out;
  for (std::string line; std::getline(file, line);)
    if (line.size() > 6 && line.starts_with("| ") && std::isupper(line[2]) != 0 &&
        std::isdigit(line[3]) != 0 && std::isdigit(line[4]) != 0)
      out.insert(line.substr(2, 3));
  return out;
}

}  // namespace

TEST_CASE("each rule is found where an event meets it", "[replay]") {
  for (const Row& row : kRows) {
    DYNAMIC_SECTION(row.rule) {
      World w;
      row.happens(w);
      REQUIRE(w.met.own != nullptr);
      INFO(w.met.own->number);
      const bool of_state = w.met.state != nullptr && w.met.state->number == row.rule;
      CHECK((of_state || w.met.own->number == row.rule));
    }
  }
}

TEST_CASE("every row of the tables has its sentence, but for those about sequences of events",
          "[replay]") {
  // Several events, each of which meets a rule of its own; or the process and not the reducer.
  const std::set<std::string> of_sequences{"S27", "C03", "C04", "C05", "C06", "C07", "C08",
                                           "C09", "C10", "C13", "C14", "C16", "C17", "C18",
                                           "C19", "C20", "C22", "C23", "C24"};
  std::set<std::string> told(of_sequences);
  for (const Rule& rule : rules()) {
    INFO(rule.number);
    CHECK(told.emplace(rule.number).second);
    CHECK(find_rule(rule.number) == &rule);
    CHECK_FALSE(rule.says.empty());
  }
  CHECK(told == numbered_rows());
  std::set<std::string_view> met{"C15"};  // of a gap, which is what is told of it
  for (const Row& row : kRows) met.insert(row.rule);
  for (const Rule& rule : rules()) CHECK(met.contains(rule.number));
  CHECK(find_rule("S99") == nullptr);
}

TEST_CASE("an event that nobody's session is named by meets no rule", "[replay]") {
  World w;
  w.act(0);
  CHECK(w.met.own == nullptr);
  CHECK(w.met.of_state() == nullptr);
  w.event(Kind::StateDigest, Cause::None, 0);
  CHECK(w.met.own == nullptr);
}
