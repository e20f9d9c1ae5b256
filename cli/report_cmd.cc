// rollcall report: sums of a range: presence, sessions, attendance, concurrency, hours by weekday.
#include "cli/ask.h"
#include "cli/commands.h"
#include "cli/coverage.h"
#include "cli/pager.h"
#include "cli/people.h"
#include "replay/question/report.h"

#include <boost/json.hpp>

namespace rollcall::cli {
namespace {

using replay::PresenceReport;
using replay::ReportQuestion;

void declare_range(Command& command, ReportQuestion& q) {
  declare_user_option(command, q, "only these");
  command.option("-S,--since", q.since, "from this moment on (default: the log's begin)",
                 a_moment());
  command.option("-U,--until", q.until, "before this moment (default: the log's end)", a_moment());
  command.option("--at", q.at, "as it was at this moment", a_moment());
  command.option("--tz", q.tz, "whose days and hours, like Europe/Berlin (default: UTC)", a_word());
  command.option("-n,--lines", q.limit, "at most so many");
}

/// What a wrong zone, a range that ends before it begins and the like are told before anything runs.
template <class Q>
void declare_check(Command& command, const std::shared_ptr<Q>& q) {
  command.check([q](const Context&) {
    if (const auto fine = replay::check(*q); !fine) usage_error(fine.error().detail);
  });
}

const std::vector<std::string> kFormats{"short", "wide", "json", "ndjson",
                                        "csv",   "cat",  "svg",  "html"};

void add_presence_report(Command& report) {
  auto q = std::make_shared<PresenceReport>();
  Command command = report.command("presence", "time online and away, by user or day");
  declare_range(command, *q);
  command.list("--by", q->by, "user, day, or both: user,day (default: user)",
               one_of({"user", "day"}));
  command.formats(kFormats, [](const Context&) {
    return std::vector<std::string>{"user",      "number",     "day",       "users",    "online_s",
                                    "away_s",    "unknown_s",  "first_seen", "last_seen", "sessions",
                                    "coverage"};
  });
  declare_check(command, q);
  command.examples(
      "  rollcall report presence -S this-month\n"
      "  rollcall report presence --by user,day --tz Europe/Berlin -o csv");
  command.run([q](Context& context) {
    Rows rows(context, {"user", "day", "users", "online_s", "away_s", "unknown_s", "first_seen",
                        "last_seen", "sessions"});
    const auto summary = ask(context, *q, [&](const PresenceReport::Row& row) {
      rows.add(replay::write_value(row).as_object());
      return true;
    });
    rows.add_facts("coverage", replay::write_value(summary).as_object());
    rows.finish();
    return 0;
  });
}

}  // namespace

void add_report(Command& root) {
  Command report = root.command("report", "sums of a range, for people who count hours");
  add_presence_report(report);
}

}  // namespace rollcall::cli
