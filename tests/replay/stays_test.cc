// The sessions that `last` lists and the spans of a timeline, against the state, after any history.
#include "replay/stays.h"

#include "replay/timeline.h"
#include "store/forget.h"
#include "tests/support/random_history.h"
#include "tests/support/stores.h"

#include <catch2/catch.hpp>

#include <set>

using namespace rollcall;
using test::below;
using test::kSecond;
using test::kStart;

namespace {

std::set<engine::Seq> open_in(const std::vector<replay::Stay>& stays, engine::UserNumber user) {
  std::set<engine::Seq> out;
  for (const auto& stay : stays)
    if (stay.user == user && stay.logout == 0) out.insert(stay.login);
  return out;
}

}  // namespace

TEST_CASE("a logout that names no session, a forgetting and a grace end what they end",
          "[replay]") {
  const test::Scratch scratch;
  const auto writer = store::Writer::create(test::layout_in(scratch.path())).value();
  const auto first = writer->write(test::login("ada", "a"), kStart).value().seq;
  const auto second = writer->write(test::login("ada", "b"), kStart).value().seq;
  const auto other = writer->write(test::login("bob", "a"), kStart).value().seq;
  const auto end = writer
                       ->write(test::about(engine::Kind::Logout, "ada", 0, engine::Cause::Logout),
                               kStart + kSecond)
                       .value()
                       .seq;
  auto stays = replay::stays(writer->log(), writer->log().last()).value();
  REQUIRE(stays.size() == 3);
  for (const std::size_t i : {0U, 1U}) {
    CHECK(stays[i].login == (i == 0 ? first : second));
    CHECK(stays[i].logout == end);
    CHECK(stays[i].from == kStart);
    CHECK(stays[i].to == kStart + kSecond);
    CHECK(stays[i].end == engine::Cause::Logout);
  }
  CHECK(stays[2].login == other);
  CHECK(stays[2].logout == 0);
  const auto bob = writer->vault().number_of("bob").value();
  (void)store::forget(*writer, store::plan_forget(*writer, bob), {"asked", "", false},
                      kStart + 2 * kSecond)
      .value();
  stays = replay::stays(writer->log(), writer->log().last()).value();
  CHECK(stays[2].end == engine::Cause::Erased);
  CHECK(stays[2].logout != 0);
  CHECK(replay::stays(writer->log(), second).value().size() == 2);
}

TEST_CASE("after any history the open sessions of last and the end of a timeline are the state's",
          "[replay][property]") {
  const std::uint64_t seed = test::test_seed();
  INFO("reproduce with ROLLCALL_SEED=" << seed);
  std::mt19937_64 rng{seed};
  for (int round = 0; round < 4; ++round) {
    const test::Scratch scratch;
    const std::shared_ptr<store::Writer> writer =
        store::Writer::create(test::layout_in(scratch.path())).value();
    engine::Micros at = kStart;
    std::uint64_t node = writer->stage_restart(1, at);
    for (int part = 0; part < 12; ++part) {
      for (int i = 0; i < 40; ++i) {
        at = std::max(at + static_cast<engine::Micros>(below(rng, 120 * kSecond)),
                      writer->state().at);
        test::do_something(*writer, node, rng, at);
      }
      if (below(rng, 3) == 0) node = writer->stage_restart(1, at);
      writer->commit(store::Durable::No).value();
      if (below(rng, 8) == 0)
        if (const auto number = writer->vault().number_of("u" + std::to_string(below(rng, 6)));
            number && !writer->state().users[*number].erased)
          (void)store::forget(*writer, store::plan_forget(*writer, *number), {"asked", "", false},
                              at)
              .value();
      const auto stays = replay::stays(writer->log(), writer->log().last()).value();
      const engine::State& state = writer->state();
      for (engine::UserNumber n = 1; n < state.users.size(); ++n) {
        INFO("user " << n << " at seq " << state.seq);
        const auto& sessions = state.users[n].sessions;
        REQUIRE(open_in(stays, n) == std::set<engine::Seq>(sessions.begin(), sessions.end()));
      }
      for (const auto& stay : stays) {
        if (stay.logout == 0)
          REQUIRE(stay.from == state.sessions.at(stay.login).opened_at);
        else
          REQUIRE((stay.logout > stay.login && stay.to >= stay.from));
      }
    }
    const auto reader = replay::Reader::beside({writer, &writer->view()});
    for (engine::UserNumber n = 1; n < writer->state().users.size(); ++n) {
      const auto timeline =
          replay::timeline_of(reader, n, kStart - 1, writer->state().at + 1, 0).value();
      REQUIRE(timeline.spans.back().state == writer->state().users[n].state);
    }
  }
}
