// rollcall last: sessions, newest first: who was here from when to when, and how it ended.
#include "cli/ask.h"
#include "cli/commands.h"
#include "cli/coverage.h"
#include "cli/moment.h"
#include "cli/pager.h"
#include "cli/people.h"
#include "replay/question/sessions.h"

#include <boost/json.hpp>

namespace rollcall::cli {
namespace {

using replay::SessionsQuestion;

boost::json::object row_of(const Context& context, const SessionsQuestion::Row& r) {
  const bool machine = machine_output(context);
  const auto moment = [&](replay::Moment t) {
    return machine ? replay::rfc3339(t.at) : replay::short_time(t.at);
  };
  boost::json::object row{{"user", r.user},
                          {"number", r.number},
                          {"from", moment(r.from)},
                          {"to", r.to                   ? moment(*r.to)
                                 : r.state == "unknown" ? "unknown"
                                                        : "still here"}};
  row["length"] = machine ? replay::write_value(r.seconds)
                          : boost::json::value(replay::short_duration(r.seconds.length));
  row["end"] = r.cause.value_or("");
  if (machine) row["state"] = r.state;
  row["login"] = r.login_seq;
  row["logout"] = r.end_seq ? boost::json::value(*r.end_seq) : boost::json::value(nullptr);
  return row;
}

}  // namespace

void add_last(Command& root) {
  auto q = std::make_shared<SessionsQuestion>();
  Command command = root.command("last", "sessions, newest first");
  declare_user_words(command, *q, "only these");
  command.option("-S,--since", q->since, "that ended after this moment", a_moment());
  command.option("-U,--until", q->until, "that began before this moment", a_moment());
  command.option("--at", q->at, "as they were at this moment", a_moment());
  command.option("-n,--lines", q->limit, "at most so many");
  command.option("--min", q->min, "at least so long, like 10min", a_duration());
  command.flag("--open", q->open, "only those still open");
  command.rows({"user", "from", "to", "length", "end", "state", "login", "logout", "number",
                "coverage", "gaps"});
  command.check([q](const Context&) { check_range(q->since, q->until); });
  command.examples("  rollcall last ada -n 2\n  rollcall last -S yesterday --min 1h");
  command.run([q](Context& context) {
    std::optional<Pager> pager;
    std::vector<std::string> columns{"user", "from", "to", "length", "end", "login", "logout"};
    const bool csv = context.output == "csv";
    if (csv) columns.insert(columns.end(), {"state", "coverage", "gaps"});
    Rows rows(context, std::move(columns));
    std::vector<boost::json::object> held;  // CSV tells of coverage beside each row
    const auto summary = ask(context, *q, [&](const SessionsQuestion::Row& r) {
      if (csv) {
        held.push_back(row_of(context, r));
        return true;
      }
      if (!pager) pager.emplace(context);
      rows.add(row_of(context, r));
      return true;
    });
    if (q->at) warn_of_unknown(context, summary.coverage, summary.gaps);
    for (auto& row : held) {
      add_coverage_columns(row, summary.coverage, summary.gaps);
      rows.add(std::move(row));
    }
    auto facts = coverage_row(summary.coverage, summary.gaps);
    facts["at"] = replay::rfc3339(summary.at.at);
    facts["seq"] = summary.upto;
    rows.add_facts("coverage", facts);
    rows.finish();
    return 0;
  });
}

}  // namespace rollcall::cli
