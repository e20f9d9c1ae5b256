// Everybody comes, falls idle, and goes; then the questions.
#include "benchmarks/report_bench.h"

#include "replay/question/report.h"
#include "store/writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <random>
#include <vector>

namespace rollcall::bench {
namespace {

using Clock = std::chrono::steady_clock;

/// Three days in which people come at random. Their sessions have no link: each turns Away and
/// runs out by itself, unless they do something or go before.
void make_days(const store::Layout& layout, std::uint64_t events, std::uint64_t users) {
  constexpr engine::Micros kSpan = engine::Micros{3} * 86'400 * 1'000'000;
  const auto writer = store::Writer::create(layout, "rollcall.bench/log").value();
  std::mt19937_64 rng{13};
  engine::Micros at = 1'700'000'000'000'000;
  const engine::Micros step = 3 * kSpan / static_cast<engine::Micros>(events);
  while (writer->state().seq < events) {
    at += step;
    store::Proposal p;
    p.user = fmt::format("user-{}", rng() % users);
    const auto number = writer->vault().number_of(p.user);
    const bool here = number && !writer->state().users[*number].sessions.empty();
    if (!here) {
      p.kind = engine::Kind::Login;
      p.cause = engine::Cause::Login;
    } else if (rng() % 3 == 0) {
      p.kind = engine::Kind::Logout;
      p.cause = engine::Cause::Logout;
    } else {
      p.kind = engine::Kind::Activity;
      p.action = "message.posted";
    }
    writer->stage(p, at).value();
    if (rng() % 1000 == 0) writer->commit(store::Durable::No).value();
  }
  writer->commit().value();
  writer->sign(at).value();
}

}  // namespace

int report(const std::string& directory, std::uint64_t events, std::uint64_t users) {
  const auto layout = store::locate(directory, "main").value();
  if (!std::filesystem::exists(layout.log())) make_days(layout, events, users);
  const auto reader = replay::Reader::open(layout).value();
  const replay::Desk desk{layout, &reader, 0};
  replay::PresenceReport question;
  question.by = {"user", "day"};
  question.tz = "Europe/Berlin";
  std::vector<double> summed, told;
  std::uint64_t rows = 0;
  const auto rate = [&](Clock::time_point begun) {
    return static_cast<double>(reader.last()) /
           std::chrono::duration<double>(Clock::now() - begun).count() / 1e6;
  };
  const auto median = [](std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
  };
  for (int round = 0; round < 5; ++round) {
    question.limit = 0;
    auto begun = Clock::now();
    (void)replay::answer(desk, question, [](const auto&) { return true; }).value();
    summed.push_back(rate(begun));
    question.limit.reset();
    rows = 0;
    begun = Clock::now();
    (void)replay::answer(desk, question, [&](const auto&) { return ++rows != 0; }).value();
    told.push_back(rate(begun));
  }
  fmt::print(
      "report presence --by user,day of {} events, medians of 5, M events/s\n"
      "  summed                 {:>6.2f}\n  with its {} rows and their names {:>6.2f}\n",
      reader.last(), median(summed), rows, median(told));
  return 0;
}

}  // namespace rollcall::bench
