// Timelines and concurrency against the state at moments and against each other.
#include "replay/timeline.h"

#include "tests/support/stores.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <random>

using namespace rollcall;
using namespace rollcall::replay;
using engine::Presence;
using test::Scratch;

TEST_CASE("a timeline is at every moment what the state was then", "[replay]") {
  const Scratch scratch;
  const auto reader = Reader::open(test::make_store(scratch.path(), 1500, 71)).value();
  const Micros first = reader.log().header(1).value()->at,
               last = reader.log().header(reader.last()).value()->at;
  const unsigned seed = 20260115;
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  for (UserNumber user = 1; user <= 5; ++user) {
    const Micros from = first + (last - first) / 3;
    const auto timeline = timeline_of(reader, user, from, last + 1, 100'000).value();
    REQUIRE(!timeline.spans.empty());
    CHECK(timeline.spans.front().from == from);
    CHECK(std::is_sorted(timeline.spans.begin(), timeline.spans.end(),
                         [](const Span& a, const Span& b) { return a.from < b.from; }));
    for (int i = 0; i < 40; ++i) {
      const Micros at =
          from + 1 + static_cast<Micros>(random() % static_cast<std::uint64_t>(last - from));
      const auto state = state_at(reader, reader.log().seq_at(at).value() - 1).value().state;
      const auto next = std::find_if(timeline.spans.begin(), timeline.spans.end(),
                                     [&](const Span& s) { return s.from >= at; });
      INFO("user " << user << " at " << at);
      CHECK(std::prev(next == timeline.spans.begin() ? next + 1 : next)->state ==
            state.users[user].state);
    }
    for (const auto& span : timeline.spans)
      if (span.seq != 0) CHECK(reader.log().header(span.seq).value()->at == span.from);
  }
}

TEST_CASE("concurrency is the sum of everybody's timelines, however it is sliced", "[replay]") {
  const Scratch scratch;
  const auto reader = Reader::open(test::make_store(scratch.path(), 1500, 72)).value();
  const Micros from = reader.log().header(1).value()->at,
               to = reader.log().header(reader.last()).value()->at + 1;
  Micros online = 0, away = 0;
  const auto state = state_at(reader, reader.last()).value().state;
  for (UserNumber user = 1; user < state.users.size(); ++user) {
    const auto spans = timeline_of(reader, user, from, to, 0).value().spans;
    for (std::size_t i = 0; i < spans.size(); ++i) {
      const Micros end = i + 1 < spans.size() ? spans[i + 1].from : to;
      if (spans[i].state == Presence::Online) online += end - spans[i].from;
      if (spans[i].state == Presence::Away) away += end - spans[i].from;
    }
  }
  CHECK(online > 0);
  for (const std::size_t count : {1, 7, 96}) {
    Micros summed_online = 0, summed_away = 0;
    for (const Slice& slice : concurrency(reader, from, to, count, 0).value()) {
      summed_online += slice.online_us;
      summed_away += slice.away_us;
    }
    INFO(count << " slices");
    CHECK(summed_online == online);
    CHECK(summed_away == away);
  }
}

TEST_CASE("a timeline keeps the newest events where there are too many, and says so", "[replay]") {
  const Scratch scratch;
  const auto reader = Reader::open(test::make_store(scratch.path(), 500, 73)).value();
  const Micros to = reader.log().header(reader.last()).value()->at + 1;
  const auto all = timeline_of(reader, 1, 0, to, 100'000).value();
  REQUIRE(all.events.size() > 3);
  CHECK(!all.events_left_out);
  const auto few = timeline_of(reader, 1, 0, to, 3).value();
  CHECK(few.events_left_out);
  CHECK(few.events.back().seq == all.events.back().seq);
  CHECK(few.events.size() == 3);
}
