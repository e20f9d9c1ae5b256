// The fault simulation: whatever the disk, the clock and the process do, no acknowledged event is
// lost, every event is the one that a plain model foresaw, and one seed gives one run.
//
// ROLLCALL_FAULT_SEEDS lives (50), the first seed in ROLLCALL_SEED (1). `./dev sim` runs it until
// it is stopped.
#include "tests/simulation/fault_life.h"
#include "tests/support/setting.h"

#include <catch2/catch.hpp>

#include <set>

using namespace rollcall;
using test::FaultRun;
using test::Planted;
using test::setting;

TEST_CASE("whatever fails: no acknowledged event is lost and all is as a plain model foresaw",
          "[simulation][faults][lives-with-faults]") {
  const std::uint64_t first = setting("ROLLCALL_SEED", 1),
                      count = setting("ROLLCALL_FAULT_SEEDS", 50);
  test::FaultTally all;
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    INFO("seed " << seed);  // for what ends the program
    const FaultRun run = test::run_fault_life(seed);
    if (!run.failure.empty())
      FAIL_CHECK(run.failure << "\nROLLCALL_SEED=" << seed << " ROLLCALL_FAULT_SEEDS=1 repeats it");
    all += run.tally;
  }
  WARN(count << " lives from seed " << first << ": " << all.events << " events, " << all.conclusions
             << " of them timers' conclusions, " << all.crashes << " crashes, "
             << all.failed_commits << " failed writes, " << all.full_disks << " full disks, "
             << all.clock_steps << " clock steps, " << all.stops << " clean stops, " << all.erasures
             << " erasures, " << all.repeats << " requests repeated");
  CHECK(all.crashes > 0);
  CHECK(all.failed_commits > 0);
}

TEST_CASE("one seed gives one life, byte for byte, keys included", "[simulation][faults]") {
  std::set<store::Hash> lives;
  for (const std::uint64_t seed : {11, 12, 13}) {
    const FaultRun once = test::run_fault_life(seed), again = test::run_fault_life(seed);
    INFO(once.failure);
    REQUIRE(once.failure.empty());
    CHECK(once.fingerprint == again.fingerprint);
    lives.insert(once.fingerprint);
  }
  CHECK(lives.size() == 3);
}

TEST_CASE("the fault simulation finds bugs that are planted", "[simulation][planted]") {
  constexpr std::uint64_t kWithin = 200;
  struct Bug {
    const char* what;
    Planted planted;
  };
  const auto bug = GENERATE(Bug{"a timer that fires early", Planted::EarlyTimer},
                            Bug{"an fsync left out", Planted::NoSync},
                            Bug{"a touch dropped", Planted::DroppedTouch});
  std::string found;
  for (std::uint64_t seed = 1; seed <= kWithin && found.empty(); ++seed)
    found = test::run_fault_life(seed, bug.planted).failure;
  WARN(bug.what << ": " << (found.empty() ? "not found" : found));
  CHECK_FALSE(found.empty());
}
