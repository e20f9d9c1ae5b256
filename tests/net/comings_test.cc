// What a webhook says of members' coming and going is a function of the log: cut anywhere, by a
// crash at any point, it says the same in the same pieces.
#include "net/presence/comings.h"

#include "tests/support/scratch.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <random>
#include <set>

using namespace rollcall;
using namespace rollcall::net;

namespace {

constexpr engine::Micros kSecond = 1'000'000;
constexpr std::uint64_t kNode = 1;
constexpr engine::UserNumber kUsers = 4;

struct Log {
  std::vector<engine::Header> headers;
  engine::Micros at = 1'700'000'000 * kSecond;
  Log() {
    for (engine::UserNumber user = 1; user <= kUsers; ++user)
      add(engine::Kind::UserEnrolled, 0, user);
  }
  void add(engine::Kind kind, std::uint64_t channel, engine::UserNumber user,
           engine::Micros later = 0) {
    engine::Header h;
    h.kind = kind;
    h.seq = headers.size() + 1;
    h.at = at += later;
    h.user = user;
    if (kind == engine::Kind::Joined || kind == engine::Kind::Left)
      engine::write_fields(h, engine::MemberFields{channel, kNode});
    if (kind == engine::Kind::NodeDown) engine::write_fields(h, engine::NodeFields{channel, 0});
    headers.push_back(h);
  }
};

std::string text(const Comings::Change& c) {
  return (c.added ? "+" : "-") + std::to_string(c.user) + "@" + std::to_string(c.channel) + "#" +
         std::to_string(c.position.first - kUsers);  // counted after the enrolments
}
std::vector<std::string> texts(const std::vector<Comings::Change>& changes) {
  std::vector<std::string> out;
  for (const auto& c : changes) out.push_back(text(c));
  return out;
}
using Texts = std::vector<std::string>;

Comings reading(const Log& log, Comings::Told told = {}) {
  Comings out(told, true, true);
  for (const auto& h : log.headers) out.take(h, {});
  return out;
}

}  // namespace

TEST_CASE("a leave is told once it has stood for three seconds, and not at all if it is undone",
          "[net]") {
  Log log;
  log.add(engine::Kind::Joined, 7, 1);
  log.add(engine::Kind::Joined, 7, 2);
  log.add(engine::Kind::Left, 7, 1, kSecond);
  SECTION("back within the time") {
    log.add(engine::Kind::Joined, 7, 1, 3 * kSecond);
    auto comings = reading(log);
    comings.settle(Comings::Clock::time_point{} + std::chrono::hours(1));
    CHECK(texts(comings.next(10)) == Texts{"+1@7#1", "+2@7#2"});
  }
  SECTION("back later") {
    log.add(engine::Kind::Joined, 7, 1, 3 * kSecond + 1);
    CHECK(texts(reading(log).next(10)) == Texts{"+1@7#1", "+2@7#2", "-1@7#3", "+1@7#4"});
  }
  SECTION("our own clock decides where the log is silent") {
    auto comings = reading(log);
    comings.settle(Comings::Clock::time_point{} + std::chrono::seconds(3));
    CHECK(texts(comings.next(10)) == Texts{"+1@7#1", "+2@7#2"});
    comings.settle(Comings::Clock::time_point{} + std::chrono::seconds(4));
    CHECK(texts(comings.next(10)) == Texts{"+1@7#1", "+2@7#2", "-1@7#3"});
  }
  SECTION("a second connection keeps one there") {
    log.add(engine::Kind::Joined, 7, 2, kSecond);
    log.add(engine::Kind::Left, 7, 2);
    log.add(engine::Kind::AliveMark, 0, 0, 10 * kSecond);
    CHECK(texts(reading(log).next(10)) == Texts{"+1@7#1", "+2@7#2", "-1@7#3"});
  }
}

TEST_CASE("the end of a server takes its members out; one that counts for nothing takes nobody",
          "[net]") {
  Log log;
  log.add(engine::Kind::NodeDown, kNode, 0);
  log.add(engine::Kind::Joined, 7, 2);  // on its way when the epoch was closed: the state counts it
  log.add(engine::Kind::Joined, 7, 1);
  log.add(engine::Kind::NodeDown, kNode, 0, kSecond);  // again: too late (S30)
  log.add(engine::Kind::AliveMark, 0, 0, 10 * kSecond);
  CHECK(texts(reading(log).next(10)) == Texts{"+2@7#2", "+1@7#3"});
  log.add(engine::Kind::NodeDown, kNode + 1, 0, kSecond);
  log.add(engine::Kind::AliveMark, 0, 0, 10 * kSecond);
  CHECK(texts(reading(log).next(10)) == Texts{"+2@7#2", "+1@7#3", "-1@7#6", "-2@7#6"});
}

TEST_CASE("a batch that was begun is the same after a restart, whatever the log holds by then",
          "[net][property]") {
  const std::uint64_t seed = test::test_seed();
  INFO("reproduce with ROLLCALL_SEED=" << seed);
  std::mt19937_64 rng{seed};
  const auto below = [&](std::uint64_t n) { return rng() % n; };
  for (int round = 0; round < 300; ++round) {
    Log log;
    std::set<std::pair<std::uint64_t, engine::UserNumber>> here;
    const auto grow = [&](std::size_t events) {
      for (std::size_t i = 0; i < events; ++i) {
        const std::uint64_t channel = 1 + below(2);
        const auto user = static_cast<engine::UserNumber>(1 + below(kUsers));
        const bool joins = here.insert({channel, user}).second;
        if (!joins) here.erase({channel, user});
        log.add(joins ? engine::Kind::Joined : engine::Kind::Left, channel, user,
                static_cast<engine::Micros>(below(4)) * kSecond);
      }
    };
    grow(5 + below(30));
    // What one server tells, that never crashes.
    std::vector<std::string> all;
    std::size_t read = 0;
    Comings comings({}, true, true);
    Comings::Told told;
    const auto read_all = [&](Comings& into, std::size_t from) {
      for (std::size_t i = from; i < log.headers.size(); ++i) into.take(log.headers[i], {});
    };
    for (int step = 0; step < 12; ++step) {
      read_all(comings, read);
      read = log.headers.size();
      const auto batch = comings.next(1 + below(5));
      const auto bounds = comings.after(batch);
      auto kept = comings.cursor();
      kept.begun = bounds;
      if (below(3) == 0) {  // it dies here; the log has gone on by the time it is back
        grow(below(20));
        const auto parsed = parse_webhook_cursor(render(kept));
        REQUIRE(parsed);
        Comings again(parsed->told, true, true);
        read_all(again, 0);
        read = log.headers.size();
        again.settle(Comings::Clock::time_point{} + std::chrono::hours(1));
        REQUIRE(again.decided(parsed->begun->removed));
        CHECK(texts(again.within(*parsed->begun)) == texts(batch));
        // A leave at the very end of the log stands only if nothing more comes: start over without
        // having looked at the clock.
        comings = Comings(parsed->told, true, true);
        read_all(comings, 0);
      }
      for (const auto& change : batch) all.push_back(text(change));
      comings.tell(batch, bounds);
      told = bounds;
      grow(below(6));
    }
    // Nothing twice, and for each place additions and removals in turn.
    std::set<std::string> once(all.begin(), all.end());
    CHECK(once.size() == all.size());
    std::map<std::string, char> last;
    for (const auto& one : all) {
      const std::string place = one.substr(1, one.find('#') - 1);
      CHECK(last[place] != one.front());
      last[place] = one.front();
    }
  }
}

TEST_CASE("the cursor of an older version goes on where it stood, and a broken one is refused",
          "[net]") {
  Log log;
  log.add(engine::Kind::Joined, 7, 1);
  log.add(engine::Kind::Joined, 7, 2);
  CHECK(texts(reading(log, Comings::all_until(kUsers + 1)).next(10)) == Texts{"+2@7#2"});
  CHECK(parse_webhook_cursor("3 1 0 2 0"));
  CHECK(parse_webhook_cursor("3 1 0 2 0 4 0 4 0")->begun);
  for (const char* bad : {"", "3", "3 1 0 2", "3 1 0 2 0 4", "3 1 0 2 0 4 0 4 0 9", "a b c d e",
                          "3 1 0 2 0 ", "-1 0 0 0 0"})
    CHECK_FALSE(parse_webhook_cursor(bad));
}
