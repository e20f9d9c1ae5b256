// rollcall sim: an invented history for demos, load and tests.
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/whole_file.h"
#include "replay/invented/written.h"
#include "replay/time_text.h"
#include "store/log/event_clock.h"
#include "store/log/snapshot.h"

#include <fmt/format.h>

#include <cstdio>

namespace rollcall::cli {
namespace {

constexpr engine::Micros kDay = engine::Micros{24} * 3600 * 1'000'000;

struct Options {
  std::uint64_t seed = 0, users = 0, days = 0;
  std::string start = "2026-01-05", out;
  [[nodiscard]] replay::HistoryPlan plan() const {
    replay::HistoryPlan plan;
    plan.seed = seed;
    plan.users = static_cast<std::uint32_t>(users);
    plan.days = static_cast<std::uint32_t>(days);
    plan.start = std::get<engine::Micros>(replay::parse_time(start, store::wall_now()).value());
    return plan;
  }
};

replay::InventedReport write_file(const Context& context, const replay::HistoryPlan& plan,
                                  const std::string& out) {
  WholeFile file(out);
  ProgressBar bar(context, "inventing");
  const auto report = replay::print_invented(
      plan,
      [&](std::string_view line) {
        return std::fwrite(line.data(), 1, line.size(), file.stream()) == line.size();
      },
      [&](auto done, auto all) { bar.update(done, all); });
  file.finish();
  return report;
}

replay::InventedReport write_store(const Context& context, const replay::HistoryPlan& plan) {
  const auto layout = context.layout();
  if (store::on_disk().has_log(layout))
    throw store::Failure(
        {store::Errc::Refused,
         fmt::format("{} has a log: an invented history goes into a new store only (-d NEWDIR)",
                     layout.app_dir.string())});
  const auto writer = store::Writer::create(layout).value();
  ProgressBar bar(context, "inventing");
  const auto report = replay::write_invented(*writer, plan, [&](auto done, auto all) {
                        bar.update(done, all);
                      }).value();
  if (report.events >= store::kSnapshotEvery)  // else the first start would fold all of it
    (void)store::make_snapshot(layout, writer->log(), store::kSnapshotsKept).value();
  return report;
}

}  // namespace

void add_sim(Command& root) {
  auto o = std::make_shared<Options>();
  Command command = root.command("sim", "a plausible invented history, for demos, load and tests");
  command.option("--seed", o->seed, "the same seed gives the same history (default 0)");
  command.option("--users", o->users, "how many people", a_number(1, replay::kInventedUsersMax));
  command.option("--days", o->days, "how many days", a_number(1, replay::kInventedDaysMax));
  command.option("--start", o->start, "its first day (default 2026-01-05)", a_time());
  command.option("-O,--out", o->out,
                 "an NDJSON file for `import`, or - for standard output; without it a new store",
                 a_word());
  command.check([o](const Context& context) {
    if (o->users == 0) usage_error("--users N: how many people, from 1 on");
    if (o->days == 0) usage_error("--days D: how many days, from 1 on");
    const auto plan = o->plan();
    if (plan.start % kDay != 0)
      usage_error(
          fmt::format("--start is a day, like 2026-01-05, not {}", replay::rfc3339(plan.start)));
    if (plan.start <= 0) usage_error("--start is a day after 1970-01-01");
    if (plan.end() > store::wall_now())
      usage_error(fmt::format(
          "it would end on {}, which is in the future: an earlier --start or fewer --days",
          replay::rfc3339(plan.end()).substr(0, 10)));
    if (!o->out.empty() && !context.data.empty())
      usage_error("-O FILE and -d DIR contradict each other: the history goes into one of them");
    if (!context.url.empty())
      usage_error("sim needs no server: it invents a history, which goes into a file or a store");
  });
  command.rows({"users", "days", "logins", "activities", "logouts", "events"});
  command.examples(
      "  rollcall -d demo sim --seed 7 --users 200 --days 14\n"
      "  rollcall sim --seed 7 --users 200 --days 14 -O - | rollcall -d demo import -");
  command.run([o](Context& context) {
    const auto plan = o->plan();
    const auto report =
        o->out.empty() ? write_store(context, plan) : write_file(context, plan, o->out);
    if (o->out == "-") return 0;
    boost::json::object row{{"users", plan.users},
                            {"days", plan.days},
                            {"logins", report.logins},
                            {"activities", report.activities},
                            {"logouts", report.logouts}};
    std::vector<std::string> columns{"users", "days", "logins", "activities", "logouts"};
    if (o->out.empty()) {
      row["events"] = report.events;
      columns.emplace_back("events");
    }
    Rows rows(context, columns);
    rows.add(std::move(row));
    rows.finish();
    return 0;
  });
}

}  // namespace rollcall::cli
