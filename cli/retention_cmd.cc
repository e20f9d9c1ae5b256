// rollcall retention: how long texts are kept, by kind.
#include "cli/commands.h"
#include "cli/confirm.h"
#include "cli/output.h"
#include "cli/remote.h"
#include "cli/writing.h"
#include "replay/audit.h"
#include "replay/reader.h"
#include "replay/time_text.h"
#include "store/log/event_clock.h"
#include "store/retention.h"

#include <boost/json.hpp>
#include <fmt/format.h>

namespace rollcall::cli {
namespace {

const std::vector<std::string> kPlanColumns{"kind", "keep", "up_to", "bodies", "held"};

void print_plan(Context& context, const std::vector<store::RetentionPlanRow>& plan) {
  Rows rows(context, kPlanColumns);
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

std::vector<store::RetentionPlanRow> plan_of(const Context& context) {
  const auto reader = replay::Reader::open(context.layout()).value();
  const auto fold = replay::state_at(reader, reader.last()).value();
  return store::plan_retention(reader.log(), fold.ledger, store::wall_now()).value();
}

std::uint64_t bodies_of(const std::vector<store::RetentionPlanRow>& plan) {
  std::uint64_t out = 0;
  for (const auto& row : plan) out += row.bodies;
  return out;
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
  set.positional("KIND", o->kind, "login, activity, …", replay::kind_fault);
  set.positional("KEEP", o->keep, "like 90d; off ends the rule", [](const std::string& word) {
    return word == "off" ? std::string() : a_duration()(word);
  });
  set.examples("  rollcall retention set activity 365d\n  rollcall retention set login off");
  set.run([o](Context& context) {
    const auto kind = engine::kind_of(o->kind);
    const auto keep = o->keep == "off" ? 0 : replay::parse_duration(o->keep).value();
    const auto seconds = static_cast<std::uint64_t>(keep / 1'000'000);
    if (!context.url.empty()) {
      const auto done =
          call(context, "/v1/retention", {{"kind", o->kind}, {"keep_seconds", seconds}});
      fmt::print("#{}\n", done.at("seq").to_number<std::uint64_t>());
      return 0;
    }
    const auto writer = open_writer(context);
    fmt::print("#{}\n",
               store::set_retention(*writer, *kind, seconds, store::wall_now()).value().seq);
    return 0;
  });
  Command show = retention.command("show", "the rules");
  show.rows({"kind", "keep"});
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
  plan.rows(kPlanColumns);
  plan.examples("  rollcall retention plan");
  plan.run_here_or_there([](Context& context) {
    print_plan(context, plan_of(context));
    return 0;
  });
  Command apply = retention.command("apply", "drop the texts that are older than their rule");
  apply.flag("--dry-run", o->dry_run, "only the plan; exit 7 where there is something to do");
  apply.flag("--yes", o->yes, "do not ask");
  apply.formats({"short", "wide", "json", "ndjson", "csv", "cat"}, [o](const Context&) {
    return o->dry_run ? kPlanColumns : std::vector<std::string>{};
  });
  apply.check([o](const Context& context) {
    if (!o->dry_run && context.output_given) usage_error("-o is for the plan: give --dry-run");
  });
  apply.examples("  rollcall retention apply --yes");
  apply.travels();
  apply.run([o](Context& context) {
    if (context.errand && !o->dry_run)
      throw store::Failure({store::Errc::NotPermitted, "for others, only --dry-run works"});
    if (o->dry_run) {
      if (!context.url.empty()) return run_there(context);
      const auto rows = plan_of(context);
      print_plan(context, rows);
      return bodies_of(rows) > 0 ? 7 : 0;
    }
    if (!context.url.empty()) {
      fmt::print(stderr, "Plan: drop the texts that `retention plan` lists.\n");
      confirm("apply", "apply", o->yes);
      const auto done = call(context, "/v1/retention/apply", {});
      fmt::print("{} texts dropped\n", done.at("bodies").to_number<std::uint64_t>());
      return 0;
    }
    const auto writer = open_writer(context);
    const auto now = store::wall_now();
    const auto rows = store::plan_retention(writer->log(), writer->ledger(), now).value();
    fmt::print(stderr, "Plan: drop {} texts.\n", bodies_of(rows));
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
