// rollcall report: sums of a range: presence, sessions, attendance, concurrency, hours by weekday.
#include "cli/ask.h"
#include "cli/commands.h"
#include "cli/coverage.h"
#include "cli/pager.h"
#include "cli/people.h"
#include "cli/report_page.h"
#include "cli/report_rows.h"
#include "replay/question/store.h"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <algorithm>

namespace rollcall::cli {
namespace {

namespace json = boost::json;
using replay::CheckpointsQuestion;

/// Members of a row as the answer's types describe them.
template <class Row>
std::vector<std::string> members_of_row() {
  std::vector<std::string> out;
  boost::mp11::mp_for_each<replay::Members<Row>>(
      [&](auto member) { out.emplace_back(member.name); });
  return out;
}

json::object facts_of(const replay::ReportSummary& about, json::object all) {
  const auto known = coverage_row(about.coverage, about.gaps);
  for (const char* name : {"coverage", "gaps"}) all.erase(name);
  for (const auto& [name, value] : known) all[name] = value;
  all["seq"] = all.at("upto");
  all.erase("upto");
  return all;
}

void say_range(const Context& context, const replay::ReportSummary& about) {
  if (context.verbose)
    fmt::print(stderr, "from {} to {}, days of {}\n", replay::rfc3339(about.from.at),
               replay::rfc3339(about.to.at), about.tz);
}

/// In the foot of a page: what signs the log.
void add_checkpoint(Context& context, ReportPage& page) {
  CheckpointsQuestion newest;
  newest.newest = true;
  try {
    (void)ask(context, newest, [&](const CheckpointsQuestion::Row& row) {
      page.note = row.note;
      page.signed_size = row.size;
      return true;
    });
  } catch (const store::Failure& failure) {
    if (failure.error().code != store::Errc::Incomplete) throw;  // else nothing is signed yet
  }
}

template <class Q>
void print_table(Context& context, const Told<Q>& told) {
  const auto shown = shown_of(told);
  const Pager pager(context);
  if (!shown.instead.empty() && context.fields.empty()) {
    fmt::print("{}", shown.instead);
    std::fflush(stdout);
    return;
  }
  Rows rows(context, shown.head);
  for (std::size_t i = 0; i < told.rows.size(); ++i) {
    json::object row = replay::write_value(told.rows[i]).as_object();
    for (std::size_t c = 0; c < shown.head.size(); ++c) row[shown.head[c]] = shown.lines[i][c];
    rows.add(std::move(row));
  }
  rows.finish();
}

template <class Q>
void print_csv(Context& context, const Told<Q>& told) {
  auto columns = members_of_row<typename Q::Row>();
  columns.insert(columns.end(), {"coverage", "gaps"});
  Rows rows(context, std::move(columns));
  for (const auto& r : told.rows) {
    json::object row = replay::write_value(r).as_object();
    add_coverage_columns(row, told.summary.coverage, told.summary.gaps);
    rows.add(std::move(row));
  }
  rows.finish();
}

template <class Q>
int print_report(Context& context, const Q& q) {
  Told<Q> told;
  if (context.output == "json" || context.output == "ndjson") {
    Rows rows(context, {});
    told.summary = ask(context, q, [&](const typename Q::Row& row) {
      rows.add(replay::write_value(row).as_object());
      return true;
    });
    say_range(context, told.summary);
    rows.add_facts("coverage",
                   facts_of(told.summary, replay::write_value(told.summary).as_object()));
    rows.finish();
    return 0;
  }
  told.summary = ask(context, q, [&](const typename Q::Row& row) {
    told.rows.push_back(row);
    return true;
  });
  say_range(context, told.summary);
  told.zone = replay::TimeZone::named(told.summary.tz).value();
  if (context.output == "csv") {
    print_csv(context, told);
    return 0;
  }
  warn_of_unknown(context, told.summary.coverage, told.summary.gaps);
  if (context.output == "svg") {
    fmt::print("{}", svg_of(picture_of(told)));
  } else if (context.output == "html") {
    auto shown = shown_of(told);
    ReportPage page;
    page.picture = picture_of(told);
    page.facts = facts_above(told.summary, told.zone, page.picture.description);
    page.head = std::move(shown.head);
    page.lines = std::move(shown.lines);
    page.upto = told.summary.upto;
    add_checkpoint(context, page);
    fmt::print("{}", html_of(page));
  } else {
    print_table(context, told);
  }
  return 0;
}

/// What every report takes.
template <class Q>
std::pair<Command, std::shared_ptr<Q>> declare(Command& report, const std::string& name,
                                               const std::string& summary) {
  auto q = std::make_shared<Q>();
  Command command = report.command(name, summary);
  declare_user_option(command, *q, "only these");
  command.option("-S,--since", q->since, "from this moment on (default: the log's begin)",
                 a_moment());
  command.option("-U,--until", q->until, "before this moment (default: the log's end)", a_moment());
  command.option("--at", q->at, "as it was at this moment: without what came later", a_moment());
  command.option("--tz", q->tz, "whose days and hours, like Europe/Berlin (default: UTC)",
                 a_word());
  command.option("-n,--lines", q->limit, "at most so many rows");
  command.formats({"short", "wide", "json", "ndjson", "csv", "cat", "svg", "html"},
                  [](const Context& context) {
                    if (context.output == "svg" || context.output == "html")
                      return std::vector<std::string>{};
                    auto members = members_of_row<typename Q::Row>();
                    members.insert(members.end(), {"coverage", "gaps"});
                    return members;
                  });
  command.check([q](const Context&) {
    if (const auto fine = replay::check(*q); !fine) usage_error(fine.error().detail);
  });
  command.run([q](Context& context) { return print_report(context, *q); });
  return {command, q};
}

}  // namespace

void add_report(Command& root) {
  Command report = root.command("report", "sums of a range: hours, sessions, rooms, how many");
  {
    auto [command, q] =
        declare<replay::PresenceReport>(report, "presence", "time online and away, by user or day");
    command.list("--by", q->by, "user, day, or both: user,day (default: user)",
                 one_of({"user", "day"}));
    command.examples(
        "  rollcall report presence -S this-month\n"
        "  rollcall report presence --by user,day --tz Europe/Berlin -o csv\n"
        "  rollcall report presence --by day -o html > hours.html");
  }
  {
    auto [command, q] = declare<replay::SessionsReport>(
        report, "sessions", "each session, how long it lasted and where it was opened");
    command.examples(
        "  rollcall report sessions -u ada -S yesterday -U today\n"
        "  rollcall report sessions -o svg > sessions.svg");
  }
  {
    auto [command, q] = declare<replay::AttendanceReport>(
        report, "attendance", "who was in which room how long, where attendance is logged");
    command.option("--room", q->room, "only this one, like presence-lobby", a_word());
    command.list("--by", q->by, "sums by room, user, day (default: each visit)",
                 one_of({"user", "day", "room"}));
    command.examples(
        "  rollcall report attendance --room presence-lobby\n"
        "  rollcall report attendance --by room,day --tz Asia/Kolkata");
  }
  {
    auto [command, q] = declare<replay::ConcurrencyReport>(
        report, "concurrency", "how many were online at once, at most and on average");
    command.list("--by", q->by, "hour or day (default: hours of up to 62 days, else days)",
                 one_of({"hour", "day"}));
    command.examples(
        "  rollcall report concurrency -S -7d\n"
        "  rollcall report concurrency --by day -o svg > curve.svg");
  }
  {
    auto [command, q] = declare<replay::HeatmapReport>(
        report, "heatmap", "how many are online at which hours of the week");
    command.examples(
        "  rollcall report heatmap --tz America/New_York\n"
        "  rollcall report heatmap -S -4weeks -o html > week.html");
  }
}

}  // namespace rollcall::cli
