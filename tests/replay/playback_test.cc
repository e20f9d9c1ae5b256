// The clock of a replay: what it hands over, where it goes, and that nothing of later is seen.
#include "replay/playback.h"

#include "store/log/state_digest.h"
#include "tests/support/stores.h"

#include <catch2/catch.hpp>

using namespace rollcall;
using namespace rollcall::replay;

namespace {

struct Played {
  explicit Played(const store::Layout& layout, PlaybackOptions options = {}) {
    options.on_place = [this](const store::Fold& fold) {
      const std::lock_guard guard(mutex);
      state = fold.state;
      placed_at = fold.state.seq;
    };
    options.on_event = [this](const store::Writer::Batch& batch) {
      const std::lock_guard guard(mutex);
      REQUIRE(batch.events.size() == 1);
      events.push_back(batch.events.front().header);
      for (const auto& t : batch.transitions) transitions.push_back(t);
    };
    auto opened = Playback::open(layout, std::move(options), test::kStart);
    if (opened)
      playback = std::move(*opened);
    else
      error = opened.error();
  }
  void to_its_end() const {
    const auto latest = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!playback->position().ended && std::chrono::steady_clock::now() < latest)
      std::this_thread::yield();
    REQUIRE(playback->position().ended);
  }

  std::mutex mutex;
  engine::State state;
  Seq placed_at = 0;
  std::vector<engine::Header> events;
  std::vector<engine::Transition> transitions;
  std::optional<Error> error;
  std::unique_ptr<Playback> playback;
};

PlaybackOptions range(std::optional<std::string> from, std::optional<std::string> to, Speed speed) {
  PlaybackOptions out;
  out.from = std::move(from);
  out.to = std::move(to);
  out.speed = speed;
  return out;
}

}  // namespace

TEST_CASE("a replay hands over each event of its range once, in order, with what it changed",
          "[replay]") {
  const test::Scratch scratch;
  const auto layout = test::make_store(scratch.path(), 900, 11);
  const auto reader = Reader::open(layout).value();
  for (const Speed speed : {kAtOnce, Speed{1e9}}) {
    Played played(layout, range("seq:40", "seq:700", speed));
    REQUIRE(played.playback);
    CHECK(played.placed_at == 39);
    played.playback->run(false);
    played.to_its_end();
    REQUIRE(played.events.size() == 660);
    for (std::size_t i = 0; i < played.events.size(); ++i) REQUIRE(played.events[i].seq == 40 + i);
    auto fold = state_at(reader, 39).value();
    std::vector<engine::Transition> changes;
    fold.advance(reader.log(), 699,
                 [&](const auto&, auto, auto, const auto& some) {
                   changes.insert(changes.end(), some.begin(), some.end());
                 })
        .value();
    CHECK(played.transitions == changes);
    CHECK(played.playback->position().seq == 699);
    CHECK(played.playback->reading()->log().last() == 699);
  }
}

TEST_CASE("a replay that is moved back and forth is where a fresh one would be",
          "[replay][property]") {
  const std::uint64_t seed = test::test_seed();
  INFO("reproduce with ROLLCALL_SEED=" << seed);
  std::mt19937_64 rng{seed};
  const test::Scratch scratch;
  const auto layout = test::make_store(scratch.path(), 600, seed);
  const auto reader = Reader::open(layout).value();
  Played played(layout, range({}, {}, 1));
  REQUIRE(played.playback);
  played.playback->run(true);
  for (int i = 0; i < 100; ++i) {
    const Seq seq = test::below(rng, reader.last() + 20);
    const bool by_time = seq > 0 && seq <= reader.last() && i % 2 == 0;
    Seq expected = std::min(seq, reader.last());
    if (by_time) {
      const auto at = reader.log().header(seq).value()->at;
      played.playback->move_to("@" + std::to_string(at / 1'000'000), test::kStart).value();
      expected = reader.log().seq_at(at / 1'000'000 * 1'000'000 + 1).value() - 1;
    } else {
      played.playback->move_to("seq:" + std::to_string(seq), test::kStart).value();
    }
    INFO("move " << i << " to seq " << seq);
    REQUIRE(played.placed_at == expected);
    REQUIRE(played.playback->position().seq == expected);
    REQUIRE(played.playback->reading()->log().last() == expected);
    REQUIRE(store::digest_of(played.state) ==
            store::digest_of(state_at(reader, expected).value().state));
  }
  CHECK(played.events.empty());  // it was paused
  CHECK_FALSE(played.playback->move_to("nonsense", test::kStart));
}

TEST_CASE("the past takes nothing, and an empty range is said", "[replay]") {
  const test::Scratch scratch;
  const auto layout = test::make_store(scratch.path(), 50, 3);
  Played played(layout);
  REQUIRE(played.playback);
  CHECK_FALSE(played.playback->writable());
  CHECK_FALSE(played.playback->submit([](auto&) {}));
  const auto refused = played.playback->exclusively([](auto&, auto) { return Result<void>(); });
  REQUIRE_FALSE(refused);
  CHECK(refused.error().detail == "this is a replay of the past: nothing is written to it");
  CHECK(played.playback->problem()->detail == refused.error().detail);
  played.playback->stop();
  CHECK(Played(layout, range("2200-01-01", {}, 1)).error->detail.find("nothing happened") == 0);
  CHECK(Played(layout, range("nonsense", {}, 1)).error->code == store::Errc::BadInput);
}

TEST_CASE("a speed is a number and an x, or max", "[replay]") {
  CHECK(read_speed("60x").value() == 60);
  CHECK(read_speed("0.5x").value() == 0.5);
  CHECK(read_speed("max").value() == kAtOnce);
  for (const char* wrong : {"", "x", "60", "-1x", "0x", "1e99x", "nanx", "60xx", " 60x"})
    CHECK_FALSE(read_speed(wrong));
  CHECK(speed_text(60) == "60x");
  CHECK(speed_text(0.5) == "0.5x");
  CHECK(speed_text(kAtOnce) == "max");
}
