// Who reads slowly, who owes too much, who leaves beside him; and everybody's end.
#include "net/hub/shard.h"
#include "tests/support/scratch.h"
#include "tests/support/shard_rig.h"

#include <memory>
#include <random>

using namespace rollcall;
using namespace rollcall::net;
using test::FarEnd;
using test::Rig;
using End = Protocol::End;
using Ends = std::vector<Protocol::End>;

namespace {

std::string published(int number) { return "news " + std::to_string(number); }

}  // namespace

TEST_CASE("one who reads too slowly falls off the ring, is told, and hears on; nobody else notices",
          "[net]") {
  Rig rig([](Settings& s) { s.ring_bytes = 8192; });
  FarEnd slow(4096), quick;
  rig.open(slow);
  rig.open(quick);
  rig.join(slow, "room");
  rig.join(quick, "room");
  constexpr int kMany = 200;
  for (int i = 0; i < kMany; ++i) {
    rig.hub.publish("room", published(i) + std::string(500, '.'));
    REQUIRE(quick.text().starts_with(published(i) + "."));
  }
  int next = 0;
  std::string text = slow.text();
  for (; text.starts_with("news"); text = slow.text()) {
    REQUIRE(text.starts_with(published(next) + "."));  // whole, in order, none left out
    ++next;
  }
  CHECK(text == "behind in room");
  CHECK(next < kMany);
  rig.hub.publish("room", "the newest");
  CHECK(slow.text() == "the newest");
  CHECK(quick.text() == "the newest");
}

TEST_CASE("a place in a channel is kept when a neighbour leaves", "[net][property]") {
  const std::uint64_t seed = test::test_seed();
  INFO("reproduce with ROLLCALL_SEED=" << seed);
  std::mt19937_64 rng{seed};
  Rig rig;
  constexpr std::size_t kPeople = 8;
  constexpr int kMany = 120;
  std::vector<std::unique_ptr<FarEnd>> all;
  for (std::size_t i = 0; i < kPeople; ++i) {
    all.push_back(std::make_unique<FarEnd>(4096));
    rig.open(*all.back());
    rig.join(*all.back(), "room");
  }
  // Nobody reads: all lag, each at a place of its own as soon as some have read a little.
  std::vector<int> reached(kPeople, 0);
  std::vector<bool> there(kPeople, true);
  int said = 0;
  while (said < kMany) {
    const std::size_t who = test::below(rng, kPeople);
    switch (test::below(rng, 8)) {
      case 0:
        if (!there[who] || said < kMany / 4) break;
        there[who] = false;
        if (test::below(rng, 2) == 0)
          all[who]->hang_up();
        else
          all[who]->say("leave room");
        break;
      case 1:
      case 2:
        if (there[who] && reached[who] < said) {
          REQUIRE(all[who]->text().starts_with(published(reached[who]++) + "."));
        }
        break;
      default:
        rig.hub.publish("room", published(said++) + std::string(700, '.'));
    }
  }
  for (std::size_t who = 0; who < kPeople; ++who) {
    if (!there[who]) continue;
    INFO("reader " << who);
    for (; reached[who] < said; ++reached[who])
      REQUIRE(all[who]->text().starts_with(published(reached[who]) + "."));
  }
}

TEST_CASE("what is owed beyond the bound ends the connection with 4100, which arrives", "[net]") {
  Rig rig([](Settings& s) { s.outbox_bytes = 16'384; });
  FarEnd far(4096);
  rig.open(far);
  far.say("owe 100 1000");
  CHECK(rig.ends(1) == Ends{End::Abort});
  // A line that takes what it is owed is not cut off meanwhile: it lives.
  rig.pass(20);
  int whole = 0;
  auto frame = far.next();
  for (; frame && frame->opcode == 1; frame = far.next(), ++whole)
    REQUIRE(frame->payload == std::string(1000, 'o'));
  CHECK(whole >= 16);
  CHECK(whole < 100);
  REQUIRE(frame);
  CHECK(frame->code() == 4100);
  CHECK_FALSE(far.next());
  far.hang_up();
  rig.until_open(0);
}

TEST_CASE("one frame that is larger than what may be owed is owed whole, one at a time", "[net]") {
  Rig rig([](Settings& s) { s.outbox_bytes = 16'384; });
  FarEnd far(4096);
  rig.open(far);
  for (int i = 0; i < 2; ++i) {  // a roster of thousands, and once it was taken another
    far.say("owe 1 400000");
    far.say("owe 10 1000");
    CHECK(far.text().size() == 400'000);
    for (int j = 0; j < 10; ++j) CHECK(far.text().size() == 1000);
  }
  far.say("owe 2 400000");
  CHECK(far.text().size() == 400'000);
  CHECK(far.until_close().code() == 4100);
  // Who takes nothing of what it is owed is given up after a while.
  FarEnd deaf(4096);
  rig.open(deaf);
  deaf.say("owe 2 400000");
  (void)rig.ends(2);
  far.hang_up();
  rig.until_open(1);
  rig.pass(30);
  CHECK(rig.shard.connection_count() == 1);
  rig.pass(1);
  CHECK(rig.shard.connection_count() == 0);
}

TEST_CASE("a drain closes everybody with 4200 and is over when the last has gone", "[net]") {
  Rig rig;
  std::vector<std::unique_ptr<FarEnd>> all;
  for (int i = 0; i < 7; ++i) {
    all.push_back(std::make_unique<FarEnd>());
    rig.open(*all.back());
  }
  std::promise<void> done;
  auto over = done.get_future();
  rig.there([&] { rig.shard.drain(std::chrono::milliseconds(120), [&] { done.set_value(); }); });
  for (const auto& far : all) {
    CHECK(over.wait_for(std::chrono::seconds(0)) == std::future_status::timeout);
    CHECK(far->until_close().code() == 4200);
    far->hang_up();
  }
  over.get();
  CHECK(rig.ends(7) == Ends(7, End::Drain));
  CHECK(rig.shard.connection_count() == 0);
}
