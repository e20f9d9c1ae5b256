// rollcall retention: how long texts are kept, by kind.
#include "cli/ask.h"
#include "cli/commands.h"
#include "cli/confirm.h"
#include "cli/remote.h"
#include "cli/writing.h"
#include "replay/audit.h"
#include "replay/question/store.h"
#include "replay/time_text.h"
#include "store/log/event_clock.h"
#include "store/retention.h"

#include <boost/json.hpp>
#include <fmt/format.h>

namespace rollcall::cli {
namespace {

const std::vector<std::string> kPlanColumns{"kind", "keep", "up_to", "bodies", "held"};

/// Prints it; how many bodies it would drop.
std::uint64_t print_plan(Context& context) {
  Rows rows(context, kPlanColumns);
  std::uint64_t bodies = 0;
  ask(context, replay::RetentionPlanQuestion{}, [&](const replay::RetentionPlanQuestion::Row& r) {
    bodies += r.bodies;
    rows.add({{"kind", r.kind},
              {"keep", replay::short_duration(r.keep.length)},
              {"up_to", r.up_to},
              {"bodies", r.bodies},
              {"held", r.held}});
    return true;
  });
  rows.finish();
  return bodies;
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
  set.run_writing([o](Context& context) {
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
  show.run([](Context& context) {
    Rows rows(context, {"kind", "keep"});
    ask(context, replay::RetentionQuestion{}, [&](const replay::RetentionQuestion::Row& rule) {
      rows.add({{"kind", rule.kind}, {"keep", replay::short_duration(rule.keep.length)}});
      return true;
    });
    rows.finish();
    return 0;
  });
  Command plan = retention.command("plan", "what apply would drop now");
  plan.rows(kPlanColumns);
  plan.examples("  rollcall retention plan");
  plan.run([](Context& context) {
    (void)print_plan(context);
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
  apply.run_writing([o](Context& context) {
    if (o->dry_run) return print_plan(context) > 0 ? 7 : 0;
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
