// rollcall state: how one person is at a moment, and why.
#include "cli/ask.h"
#include "cli/commands.h"
#include "cli/coverage.h"
#include "cli/people.h"
#include "replay/question/state.h"

#include <boost/json.hpp>
#include <fmt/format.h>

namespace rollcall::cli {
namespace {

namespace json = boost::json;
using replay::StateQuestion;

/// The person as machines read it: the members of `who`, and the open sessions.
json::object person_of(const StateQuestion::Summary& s) {
  json::object out = replay::write_value(s).as_object();
  for (const char* of_the_moment : {"seq", "root", "at", "coverage", "gaps"})
    out.erase(of_the_moment);
  return out;
}

std::string counted(std::uint64_t n, const char* one) {
  return fmt::format("{} {}{}", n, one, n == 1 ? "" : "s");
}

void print_session(const StateQuestion::Session& is) {
  fmt::print("session #{}   {}, opened {}, last active {}", is.login_seq, is.state,
             replay::short_time(is.opened_at.at), replay::short_time(is.last_activity.at));
  if (is.links != 0) fmt::print(", {}", counted(is.links, "connection"));
  if (is.detached_at)
    fmt::print(", no connection since {}", replay::short_time(is.detached_at->at));
  if (is.address) fmt::print(", from {}", printable(*is.address));
  if (is.device) fmt::print(", {}", printable(*is.device));
  fmt::print("\n");
  if (is.away_at) fmt::print("    turns away at {}\n", replay::short_time(is.away_at->at));
  if (is.ends_at)
    fmt::print("    is closed at {} ({})\n", replay::short_time(is.ends_at->at),
               is.ends_by.value_or(""));
}

void print_person(const StateQuestion::Summary& s) {
  fmt::print("At {} UTC (seq {}, root {})\n", replay::short_time(s.at.at), s.seq,
             s.root ? s.root->substr(0, 8) + "…" : "-");
  fmt::print("{} is {}", printable(s.user), s.state);
  if (s.last_known) fmt::print(" (last {})", *s.last_known);
  if (s.since) fmt::print(" since {}", replay::short_time(s.since->at));
  if (s.last_seen) fmt::print(", last seen {}", replay::short_time(s.last_seen->at));
  fmt::print(", {}\n", counted(s.sessions, "open session"));
  if (s.status != "none" || s.do_not_disturb || s.text || s.emoji) {
    fmt::print("status        {}{}", s.status, s.do_not_disturb ? ", do not disturb" : "");
    if (s.emoji) fmt::print(" {}", printable(*s.emoji));
    if (s.text) fmt::print(" \"{}\"", printable(*s.text));
    if (s.until) fmt::print(" until {}", replay::short_time(s.until->at));
    if (s.shown_as) fmt::print("; others see {}", *s.shown_as);
    fmt::print("\n");
  }
  for (const auto& room : s.rooms) fmt::print("room          {}\n", printable(room));
  for (const auto& session : s.open) print_session(session);
}

json::object reason_of(const StateQuestion::Row& r) {
  json::object out = replay::write_value(r).as_object();
  if (r.at) out["at"] = replay::short_time(r.at->at);
  out["event"] = r.seq ? fmt::format("#{}", *r.seq) : std::string();
  out["why"] = r.says;
  return out;
}

int state(Context& context, const StateQuestion& q) {
  std::vector<StateQuestion::Row> reasons;
  const auto s = ask(context, q, [&](const StateQuestion::Row& row) {
    reasons.push_back(row);
    return true;
  });
  warn_of_unknown(context, s.coverage, s.gaps);
  const bool explain = q.explain.value_or(false), csv = context.output == "csv";
  if (!machine_output(context) && context.fields.empty()) {
    if (!q.at) say_log_end(context, s.at, s.seq);
    print_person(s);
    if (!explain) return 0;
    fmt::print("\n");
    Rows rows(context, {"part", "event", "at", "rule", "why"});
    for (const auto& reason : reasons) rows.add(reason_of(reason));
    rows.finish();
    return 0;
  }
  std::vector<std::string> columns{"user", "number", "state", "since", "last_seen", "sessions"};
  if (csv) columns.insert(columns.end(), {"last_known", "status", "coverage", "gaps"});
  Rows rows(context, std::move(columns));
  json::object row = person_of(s);
  if (explain) row["why"] = replay::write_value(reasons);
  if (csv) add_coverage_columns(row, s.coverage, s.gaps);
  rows.add(std::move(row));
  rows.add_facts("coverage", moment_row(s.at, s.seq, s.root, s.coverage, s.gaps));
  rows.finish();
  return 0;
}

}  // namespace

void add_state(Command& root) {
  auto q = std::make_shared<StateQuestion>();
  Command command = root.command("state", "how one person is at a moment, and why");
  declare_user_words(command, *q, "whose state");
  command.option("--at", q->at,
                 "the moment: after everything not later than it (default: the last that is known)",
                 a_moment());
  command.flag("--explain", q->explain, "each part with the event and the rule that made it");
  command.rows({"user", "number", "state", "last_known", "since", "last_seen", "sessions",
                "shown_as", "status", "do_not_disturb", "until", "text", "emoji", "rooms", "open",
                "why", "coverage", "gaps"});
  command.check([q](const Context& context) {
    if (q->count() != 1) usage_error("say whose state: USER or --number N, one of them");
    if (q->explain && context.output == "csv")
      usage_error("--explain has no rows of one kind: use -o json or ndjson, or leave -o out");
  });
  command.examples(
      "  rollcall state ada --explain\n  rollcall state ada --at 'yesterday 10:00' --explain\n"
      "  rollcall state --number 7 --at seq:1204 -o json");
  command.run([q](Context& context) { return state(context, *q); });
}

}  // namespace rollcall::cli
