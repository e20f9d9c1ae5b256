// A history and what happened in it, in lists: for whoever sums the same up in another way.
#pragma once

#include "replay/report_range.h"
#include "replay/stays.h"
#include "tests/support/random_history.h"
#include "tests/support/stores.h"

namespace rollcall::test {

/// A history that crosses midnights, with restarts, and with clock steps that time obeys.
[[nodiscard]] std::shared_ptr<store::Writer> make_days(const MemoryStore& home,
                                                       std::mt19937_64& rng, engine::Micros start);

using Interval = std::pair<engine::Micros, engine::Micros>;  ///< [first, second)
[[nodiscard]] engine::Micros overlap(const Interval& a, const Interval& b);
/// With intervals that are apart from each other.
[[nodiscard]] engine::Micros overlap(const Interval& a, const std::vector<Interval>& list);

struct Facts {
  struct Span {
    engine::UserNumber user = 0;
    engine::Presence state{};
    Interval time;
  };
  std::vector<Span> spans;  ///< Online and Away, to the end of the world while they are open
  std::vector<std::pair<engine::UserNumber, engine::Micros>> seen;
  std::vector<replay::Stay> stays;
  std::vector<Interval> dark;  ///< nobody watched, after the log's end neither
};
/// Of the events up to `last`, and of times before `to`.
[[nodiscard]] Facts facts_of(const replay::Reader& reader, engine::Seq last, engine::Micros to);

}  // namespace rollcall::test
