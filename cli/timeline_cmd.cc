// rollcall timeline: every change of state, in the order of the log.
#include "cli/ask.h"
#include "cli/commands.h"
#include "cli/coverage.h"
#include "cli/moment.h"
#include "cli/pager.h"
#include "cli/people.h"
#include "replay/question/transitions.h"

#include <boost/json.hpp>

namespace rollcall::cli {

void add_timeline(Command& root) {
  using replay::TransitionsQuestion;
  auto q = std::make_shared<TransitionsQuestion>();
  Command command = root.command("timeline", "every change of state: who came, went, turned away");
  declare_user_words(command, *q, "only these");
  command.option("-S,--since", q->since, "at or after this moment", a_moment());
  command.option("-U,--until", q->until, "before this moment", a_moment());
  command.option("-n,--lines", q->limit, "at most so many");
  command.rows({"seq", "at", "user", "number", "from", "to", "cause", "coverage", "gaps"});
  command.check([q](const Context&) { check_range(q->since, q->until); });
  command.examples("  rollcall timeline ada -S today\n  rollcall timeline -o ndjson");
  command.run([q](Context& context) {
    const bool machine = machine_output(context), csv = context.output == "csv";
    std::vector<std::string> columns{"seq", "at", "user", "from", "to", "cause"};
    if (csv) columns.insert(columns.end(), {"coverage", "gaps"});
    std::optional<Pager> pager;
    Rows rows(context, std::move(columns));
    const auto summary = ask(context, *q, [&](const TransitionsQuestion::Row& r) {
      if (!pager) pager.emplace(context);
      rows.add({{"seq", r.seq},
                {"at", machine ? replay::rfc3339(r.at.at) : replay::short_time(r.at.at)},
                {"user", r.user},
                {"number", r.number},
                {"from", r.from},
                {"to", r.to},
                {"cause", r.cause}});
      return true;
    });
    if (q->until) warn_of_unknown(context, summary.coverage, {});
    auto facts = coverage_row(summary.coverage, summary.gaps);
    facts["seq"] = summary.upto;
    rows.add_facts("coverage", facts);
    rows.finish();
    return 0;
  });
}

}  // namespace rollcall::cli
