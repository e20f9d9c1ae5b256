// Invented histories: one seed is one history, and what it makes is a store like any other.
#include "replay/import.h"
#include "replay/invented/written.h"
#include "replay/reader.h"
#include "replay/time_text.h"
#include "replay/whatif.h"
#include "store/log/event_clock.h"
#include "store/log/state_digest.h"
#include "tests/support/stores.h"

#include <catch2/catch.hpp>

#include <map>
#include <set>

using namespace rollcall;
using namespace rollcall::replay;
using engine::Kind;

namespace {

constexpr engine::Micros kDay = engine::Micros{86'400} * test::kSecond;

HistoryPlan plan_of(std::uint64_t seed, std::uint32_t users, std::uint32_t days) {
  HistoryPlan out;
  out.seed = seed;
  out.users = users;
  out.days = days;
  out.start = parse_rfc3339("2026-01-05T00:00:00Z").value();  // a Monday
  return out;
}

std::string lines_of(const HistoryPlan& plan) {
  std::string out;
  (void)print_invented(
      plan, [&](std::string_view line) { return out += line, true; }, nullptr);
  return out;
}

std::vector<engine::Header> headers_of(const store::EventLog& log) {
  std::vector<engine::Header> out;
  log.scan(1, log.last(),
           [&](engine::Header h, store::ByteView) {
             h.digest = {};  // of bodies, salted by the store's own keys
             if (h.kind == Kind::Login || h.kind == Kind::Activity) h.a = h.b = 0;  // likewise
             out.push_back(h);
             return true;
           })
      .value();
  return out;
}

}  // namespace

TEST_CASE("one seed is one file, byte for byte, and another seed another", "[replay][invented]") {
  const auto plan = plan_of(7, 40, 5);
  const std::string file = lines_of(plan);
  CHECK(file.size() > 100'000);
  CHECK(file == lines_of(plan));
  CHECK(file != lines_of(plan_of(8, 40, 5)));
}

TEST_CASE("an invented file is imported, every line of it with its session", "[replay][invented]") {
  const auto plan = plan_of(test::test_seed(), 60, 8);
  INFO("reproduce with ROLLCALL_SEED=" << plan.seed);
  const test::MemoryStore memory;
  const auto writer = memory.create();
  const auto report =
      import_ndjson(*writer, lines_of(plan), DryRun::No, store::wall_now(), nullptr).value();
  CHECK(report.lines > 10'000);
  CHECK(report.unknown == 0);
}

TEST_CASE("an invented store is whole, and its timers' conclusions are those of the rules",
          "[replay][invented]") {
  const auto plan = plan_of(test::test_seed(), 50, 17);
  INFO("reproduce with ROLLCALL_SEED=" << plan.seed);
  const test::Scratch scratch(test::Scratch::On::Memory);
  const auto layout = test::layout_in(scratch.path());
  {
    const auto writer = store::Writer::create(layout).value();
    const auto report = write_invented(*writer, plan, nullptr).value();
    CHECK(report.no_effect == 0);
    CHECK(report.events > 50'000);
  }
  const auto reader = Reader::open(layout).value();
  std::map<Kind, std::uint64_t> kinds;
  std::set<engine::Cause> causes;
  std::uint64_t digests = 0, weekend = 0, week = 0;
  store::Fold fold;
  fold.before = [&](const engine::Header& h) {
    if (h.kind == Kind::StateDigest) {
      CHECK(h.digest == store::digest_of(fold.state));
      ++digests;
    }
  };
  fold.advance(reader.log(), reader.last(),
               [&](const engine::Header& h, store::ByteView, engine::Outcome, auto) {
                 ++kinds[h.kind];
                 causes.insert(h.cause);
                 const auto day = (h.at - plan.start) / kDay % 7;
                 ++(day < 5 ? week : weekend);
               })
      .value();
  CHECK(digests == plan.days);
  CHECK(week / 5 > 2 * (weekend / 2));
  for (const Kind kind : {Kind::Login, Kind::Logout, Kind::Activity, Kind::Inactivity, Kind::LinkUp,
                          Kind::LinkDown, Kind::NodeUp, Kind::NodeDown, Kind::StatusSet,
                          Kind::StatusCleared, Kind::Joined, Kind::Left})
    CHECK(kinds[kind] > 0);
  for (const auto cause : {engine::Cause::GraceExpired, engine::Cause::Timeout,
                           engine::Cause::Drain, engine::Cause::Restart})
    CHECK(causes.contains(cause));
  WhatIf question;
  question.last = reader.last();
  question.change = [](engine::Policy&) {};
  const auto made = what_if(reader, question).value();
  CHECK(made.same > 1000);
  CHECK(made.actual_only == 0);
  CHECK(made.what_if_only == 0);
}

TEST_CASE("two stores of one plan differ only in what their own keys decide",
          "[replay][invented]") {
  const auto plan = plan_of(3, 25, 4);
  const test::MemoryStore first, second;
  const auto a = first.create(), b = second.create();
  (void)write_invented(*a, plan, nullptr).value();
  (void)write_invented(*b, plan, nullptr).value();
  const auto left = headers_of(a->log()), right = headers_of(b->log());
  REQUIRE(left.size() == right.size());
  for (std::size_t i = 0; i < left.size(); ++i) REQUIRE(left[i] == right[i]);
}

TEST_CASE("whoever stops an invented history gets no more of it, and all its people have names",
          "[replay][invented]") {
  std::uint64_t lines = 0;
  (void)print_invented(
      plan_of(1, 30, 30), [&](std::string_view) { return ++lines < 10; }, nullptr);
  CHECK(lines == 10);
  std::set<std::string> names;
  constexpr std::uint32_t kMany = 10'000;
  for (std::uint32_t i = 0; i < kMany; ++i) names.insert(name_of(habits_of(1, i), i));
  CHECK(names.size() == kMany);
}
