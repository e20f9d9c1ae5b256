// rollcall who: who was here at a moment, in what state, from where.
#include "cli/ask.h"
#include "cli/bundle_file.h"
#include "cli/commands.h"
#include "cli/coverage.h"
#include "cli/pager.h"
#include "cli/people.h"
#include "replay/question/presence.h"

#include <boost/json.hpp>
#include <fmt/format.h>

namespace rollcall::cli {
namespace {

using replay::PresenceQuestion;

struct Options {
  PresenceQuestion q;
  std::string out;
  bool count = false, proof = false;
};

int prove(Context& context, const Options& o) {
  replay::PresenceProofQuestion q;
  static_cast<replay::Whose&>(q) = o.q;
  q.at = o.q.at;
  BundleTaker files;
  const auto proven = ask(context, q, files.row());
  files.write(o.out.empty() ? fmt::format("who-{}-{}.tar", proven.number, proven.seq) : o.out);
  return 0;
}

boost::json::object facts_of(const PresenceQuestion::Summary& s) {
  return moment_row(s.at, s.seq, s.root, s.coverage, s.gaps);
}

/// How many of those asked about are in each state; people who are asked about nobody in particular
/// count whom `who` shows.
int count(const Context& context, const Options& o, const PresenceQuestion::Summary& s) {
  if (machine_output(context) || !context.fields.empty()) {
    std::vector<std::string> columns{"online", "away", "offline", "unknown"};
    boost::json::object row{{"online", s.asked_online},
                            {"away", s.asked_away},
                            {"offline", s.asked_offline},
                            {"unknown", s.asked_unknown}};
    if (context.output == "csv") {
      add_coverage_columns(row, s.coverage, s.gaps);
      columns.insert(columns.end(), {"coverage", "gaps"});
    }
    if (context.output == "json" || context.output == "ndjson") row["coverage"] = facts_of(s);
    Rows rows(context, std::move(columns));
    rows.add(std::move(row));
    rows.finish();
    return 0;
  }
  fmt::print("{} online, {} away", s.asked_online, s.asked_away);
  if (o.q.anybody() || !o.q.state.empty()) fmt::print(", {} offline", s.asked_offline);
  if (s.coverage.known != "yes") fmt::print(", {} unknown", s.asked_unknown);
  fmt::print("\n");
  return 0;
}

boost::json::object row_of(const Context& context, const PresenceQuestion::Row& r) {
  const bool machine = machine_output(context);
  const auto moment = [&](const std::optional<replay::Moment>& t) {
    return !t ? std::string() : machine ? replay::rfc3339(t->at) : replay::short_time(t->at);
  };
  boost::json::object row{{"user", r.user}, {"number", r.number}, {"state", r.state}};
  if (r.last_known) row["last_known"] = *r.last_known;
  if (r.last_known && !machine) row["state"] = fmt::format("unknown (last {})", *r.last_known);
  row["since"] = moment(r.since);
  row["sessions"] = r.sessions;
  row["last_activity"] = moment(r.last_activity);
  if (machine) row["last_seen"] = moment(r.last_seen);
  row["from"] = fmt::format("{}", fmt::join(r.from, ", "));
  row["rooms"] = fmt::format("{}", fmt::join(r.rooms, ", "));
  if (machine) row["do_not_disturb"] = r.do_not_disturb;
  return row;
}

int who(Context& context, const Options& o) {
  PresenceQuestion q = o.q;
  q.detail = !o.count;
  if (o.count) q.limit = 0;
  std::vector<PresenceQuestion::Row> people;
  const auto s = ask(context, q, [&](const PresenceQuestion::Row& r) {
    people.push_back(r);
    return true;
  });
  if (context.verbose) fmt::print(stderr, "state after seq {}\n", s.seq);
  warn_of_unknown(context, s.coverage, s.gaps);
  if (!o.count && !machine_output(context) && !o.q.at) say_log_end(context, s.at, s.seq);
  if (o.count) return count(context, o, s);
  const Pager pager(context);
  if (!machine_output(context)) {
    fmt::print("At {} UTC (seq {}, root {})   {} online, {} away{}\n", replay::short_time(s.at.at),
               s.seq, s.root ? s.root->substr(0, 8) + "…" : "-", s.online, s.away,
               s.coverage.known == "yes" ? "" : fmt::format(", {} unknown", s.unknown));
  }
  std::vector<std::string> columns{"user",          "state", "since", "sessions",
                                   "last_activity", "from",  "rooms"};
  const bool csv = context.output == "csv";
  if (csv) columns.insert(columns.end(), {"last_known", "coverage", "gaps"});
  Rows rows(context, std::move(columns));
  for (const auto& r : people) {
    auto row = row_of(context, r);
    if (csv) add_coverage_columns(row, s.coverage, s.gaps);
    rows.add(std::move(row));
  }
  rows.add_facts("coverage", facts_of(s));
  rows.finish();
  return 0;
}

}  // namespace

void add_who(Command& root) {
  auto o = std::make_shared<Options>();
  Command command = root.command("who", "who was here at a moment");
  declare_user_words(command, o->q, "only these");
  command.option("--at", o->q.at,
                 "the moment: after everything not later than it (default: the last that is known)",
                 a_moment());
  command.list("--state", o->q.state, "online, away, offline, unknown, any",
               one_of({"online", "away", "offline", "unknown", "any"}));
  command.option("--room", o->q.room, "only those who attended this channel, like presence-lobby",
                 a_word());
  command.flag("--count", o->count, "only how many");
  command.flag("--proof", o->proof, "write a bundle that proves the answer for one user");
  command.option("-O,--out", o->out,
                 "where the bundle goes (a folder or .tar; - is standard output)", a_word());
  command.formats({"short", "wide", "json", "ndjson", "csv", "cat"},
                  [o](const Context&) -> std::vector<std::string> {
                    if (o->proof) return {};
                    if (o->count)
                      return {"online", "away", "offline", "unknown", "coverage", "gaps"};
                    return {"user",           "state",    "since",  "sessions",   "last_activity",
                            "from",           "rooms",    "number", "last_known", "last_seen",
                            "do_not_disturb", "coverage", "gaps"};
                  });
  command.check([o](const Context& context) {
    if (!o->proof && !o->out.empty()) usage_error("-O says where --proof goes: give --proof");
    if (!o->proof) return;
    if (o->q.count() != 1) usage_error("--proof is for one user: name one");
    if (o->count || !o->q.state.empty() || o->q.room)
      usage_error("--proof proves one user's state: --count, --state and --room do not go with it");
    if (context.output_given) usage_error("--proof writes a bundle: -o does not go with it");
  });
  command.examples(
      "  rollcall who\n  rollcall who --at 'yesterday 10:00' --state online\n  rollcall who --room "
      "presence-lobby --at -1h\n  rollcall who ada "
      "--at 2026-01-14T10:00:00Z --proof -O ada.tar");
  command.run([o](Context& context) { return o->proof ? prove(context, *o) : who(context, *o); });
}

}  // namespace rollcall::cli
