// rollcall retention: how long texts are kept, by kind.
#include "cli/commands.h"
#include "cli/confirm.h"
#include "cli/output.h"
#include "replay/reader.h"
#include "replay/time_text.h"
#include "store/retention.h"

#include <fmt/format.h>

namespace rollcall::cli {
namespace {

void print_plan(Context& context, const std::vector<store::RetentionPlanRow>& plan) {
  Rows rows(context, {"kind", "keep", "up_to", "bodies", "held"});
  for (const auto& row : plan) {
    rows.add({{"kind", engine::name_of(row.kind)},
              {"keep",
               replay::short_duration(static_cast<engine::Micros>(row.keep_seconds) * 1'000'000)},
              {"up_to", row.upto},
              {"bodies", row.bodies},
              {"held", row.held}});
  }
  rows.finish();
}

}  // namespace

void add_retention(Command& root) {
  struct Options {
    std::string kind, keep;
    bool dry_run = false, yes = false;
  };
  auto o = std::make_shared<Options>();
  Command retention = root.command("retention", "how long texts are kept; headers stay for ever");
  Command set = retention.command("set", "keep the texts of a kind so long");
  set.positional("KIND", o->kind, "login, activity, …");
  set.positional("KEEP", o->keep, "like 90d; off ends the rule");
  set.examples("  rollcall retention set activity 365d\n  rollcall retention set login off");
  set.run([o](Context& context) {
    const auto kind = engine::kind_of(o->kind);
    if (!kind)
      throw store::Failure({store::Errc::BadInput, fmt::format("there is no kind '{}'", o->kind)});
    const auto keep = o->keep == "off" ? 0 : replay::parse_duration(o->keep).value();
    const auto writer = store::Writer::open(context.layout()).value();
    fmt::print("#{}\n",
               store::set_retention(*writer, *kind, static_cast<std::uint64_t>(keep / 1'000'000),
                                    store::wall_now())
                   .value()
                   .seq);
    return 0;
  });
  Command show = retention.command("show", "the rules");
  show.examples("  rollcall retention show");
  show.run_here_or_there([](Context& context) {
    const auto reader = replay::Reader::open(context.layout()).value();
    const auto fold = replay::state_at(reader, reader.last()).value();
    Rows rows(context, {"kind", "keep"});
    for (const auto& [kind, seconds] : fold.ledger.retention) {
      rows.add(
          {{"kind", engine::name_of(static_cast<engine::Kind>(kind))},
           {"keep", replay::short_duration(static_cast<engine::Micros>(seconds) * 1'000'000)}});
    }
    rows.finish();
    return 0;
  });
  Command plan = retention.command("plan", "what apply would drop now");
  plan.examples("  rollcall retention plan");
  plan.run_here_or_there([](Context& context) {
    const auto writer = store::Writer::open(context.layout()).value();
    print_plan(context, store::plan_retention(*writer, store::wall_now()).value());
    return 0;
  });
  Command apply = retention.command("apply", "drop the texts that are older than their rule");
  apply.flag("--dry-run", o->dry_run, "only the plan; exit 7 where there is something to do");
  apply.flag("--yes", o->yes, "do not ask");
  apply.examples("  rollcall retention apply --yes");
  apply.run([o](Context& context) {
    const auto writer = store::Writer::open(context.layout()).value();
    const auto now = store::wall_now();
    const auto rows = store::plan_retention(*writer, now).value();
    std::uint64_t bodies = 0;
    for (const auto& row : rows) bodies += row.bodies;
    if (o->dry_run) {
      print_plan(context, rows);
      return bodies > 0 ? 7 : 0;
    }
    fmt::print(stderr, "Plan: drop {} texts.\n", bodies);
    confirm("the app's id", context.layout().app, o->yes);
    ProgressBar bar(context, "dropping");
    const auto dropped = store::apply_retention(*writer, rows, now, [&](auto done, auto all) {
                           bar.update(done, all);
                         }).value();
    fmt::print("{} texts dropped\n", dropped);
    return 0;
  });
}

}  // namespace rollcall::cli
