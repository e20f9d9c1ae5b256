// rollcall diff: who is in another state at one moment than at another; where two stores part;
// whose digests of the state differ.
#include "cli/ask.h"
#include "cli/commands.h"
#include "cli/coverage.h"
#include "cli/diff_digests.h"
#include "cli/diff_stores.h"
#include "cli/pager.h"
#include "cli/people.h"
#include "replay/question/diff.h"

#include <boost/json.hpp>
#include <fmt/format.h>

namespace rollcall::cli {
namespace {

namespace json = boost::json;
using replay::DiffQuestion;

json::object row_of(const Context& context, const DiffQuestion::Row& r) {
  json::object out = replay::write_value(r).as_object();
  if (machine_output(context)) return out;
  const auto since = [](const std::optional<replay::Moment>& at) {
    return at ? replay::short_time(at->at) : std::string();
  };
  const auto told = [](const std::string& state, const std::optional<std::string>& last) {
    return last ? fmt::format("{} (last {})", state, *last) : state;
  };
  out["from"] = told(r.from, r.last_known_a);
  out["to"] = told(r.to, r.last_known_b);
  out["since_a"] = since(r.since_a);
  out["since_b"] = since(r.since_b);
  out["by"] =
      r.seq ? fmt::format("{} #{}", r.cause.value_or(r.kind.value_or("")), *r.seq) : std::string();
  return out;
}

void print_side(const char* name, const DiffQuestion::Side& side) {
  fmt::print("{} {} UTC (seq {}, root {})   {} online, {} away{}\n", name,
             replay::short_time(side.at.at), side.seq,
             side.root ? side.root->substr(0, 8) + "…" : "-", side.online, side.away,
             side.coverage.known == "yes" ? "" : fmt::format(", {} unknown", side.unknown));
}

int between_moments(Context& context, const DiffQuestion& q) {
  std::vector<DiffQuestion::Row> people;
  const auto s = ask(context, q, [&](const DiffQuestion::Row& row) {
    people.push_back(row);
    return true;
  });
  warn_of_unknown(context, s.coverage, s.gaps);
  const bool machine = machine_output(context), csv = context.output == "csv";
  const Pager pager(context);
  if (!machine) {
    print_side("A", s.at_a);
    print_side("B", s.at_b);
    fmt::print("{} {} in another state; {} in the same state again after another\n", s.changed,
               s.changed == 1 ? "person is" : "people are", s.returned);
  }
  std::vector<std::string> columns{"user", "from", "to", "since_a", "since_b", "changes", "by"};
  if (csv)
    columns = {"user", "number", "from",  "to",           "since_a",      "since_b",  "changes",
               "seq",  "kind",   "cause", "last_known_a", "last_known_b", "coverage", "gaps"};
  Rows rows(context, std::move(columns));
  for (const auto& person : people) {
    auto row = row_of(context, person);
    if (csv) add_coverage_columns(row, s.coverage, s.gaps);
    rows.add(std::move(row));
  }
  json::object facts = replay::write_value(s).as_object();
  for (const auto& [name, value] : coverage_row(s.coverage, s.gaps)) facts[name] = value;
  rows.add_facts("coverage", facts);
  rows.finish();
  return 0;
}

struct Options {
  DiffQuestion q;
  std::vector<std::string> stores;
  std::string digests;
};

/// The three things that it compares, one of which is given.
void check_one_of_three(const Context& context, const Options& o) {
  const int given = !o.q.at.empty() + !o.stores.empty() + !o.digests.empty();
  if (given != 1) usage_error("say what to compare: --at A --at B, two STOREs, or --digests FILE");
  if (!o.q.at.empty()) {
    if (o.q.at.size() != 2) usage_error("give two moments: --at A --at B");
    return;
  }
  if (!o.stores.empty() && o.stores.size() != 2) usage_error("give two stores: their folders");
  if (!o.stores.empty() && !context.url.empty())
    usage_error("two stores are compared on this machine, without --url");
  if (o.q.anybody()) usage_error("-u and --number choose whom --at A --at B is about");
  if (!o.digests.empty() && o.q.limit) usage_error("-n does not go with --digests");
  if (context.output == "csv" || !context.fields.empty())
    usage_error(
        "this answer is one object: use -o json or ndjson without --fields, or leave -o out");
}

}  // namespace

void add_diff(Command& root) {
  auto o = std::make_shared<Options>();
  Command command = root.command("diff", "what differs between two moments, stores or runs");
  command.option("--at", o->q.at, "the two moments, A and B: --at A --at B", a_moment());
  command.positionals("STORE", o->stores, "two stores' folders: where they part");
  command.option("--digests", o->digests,
                 "a file of state digests, as `audit -e state_digest -o ndjson` prints them",
                 a_word());
  declare_user_option(command, o->q, "with --at: only these");
  command.option("-n,--lines", o->q.limit, "at most so many users");
  command.rows({"user", "number", "from", "to", "since_a", "since_b", "changes", "seq", "kind",
                "cause", "last_known_a", "last_known_b", "coverage", "gaps"});
  command.check([o](const Context& context) { check_one_of_three(context, *o); });
  command.examples(
      "  rollcall diff --at 'yesterday 17:00' --at 'today 09:00'\n"
      "  rollcall diff --at seq:1000 --at seq:2000 -u ada -o ndjson\n"
      "  rollcall diff /srv/rollcall /mnt/copy\n"
      "  rollcall audit -e state_digest -o ndjson > digests; rollcall -d COPY diff --digests "
      "digests");
  command.run([o](Context& context) {
    if (!o->digests.empty()) return diff_digests(context, o->digests);
    if (!o->stores.empty())
      return diff_stores(context, o->stores.front(), o->stores.back(), o->q.limit);
    return between_moments(context, o->q);
  });
}

}  // namespace rollcall::cli
