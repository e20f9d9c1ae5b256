// rollcall audit: the activity log, filtered, paged, followed, counted.
#include "cli/ask.h"
#include "cli/audit_options.h"
#include "cli/commands.h"
#include "cli/event_rows.h"
#include "cli/follow.h"
#include "cli/pager.h"
#include "replay/question/events.h"
#include "store/bytes/files.h"

#include <boost/json.hpp>
#include <fmt/format.h>

namespace rollcall::cli {
namespace {

using replay::EventsQuestion;
using replay::EventView;
using replay::StatsQuestion;

struct Options {
  replay::EventFilter filter;  ///< also of the subcommands: `audit -u ada stats`
  EventsQuestion q;
  bool follow = false, show_cursor = false, fail_empty = false;
  std::string cursor_file;
};

/// The question with the filter.
template <class Q>
Q of(const replay::EventFilter& filter, Q q) {
  static_cast<replay::EventFilter&>(q) = filter;
  return q;
}

void keep_cursor(const Options& o, const std::optional<std::string>& cursor) {
  if (!cursor) return;
  if (o.show_cursor) fmt::print(stderr, "-- cursor: {}\n", *cursor);
  if (!o.cursor_file.empty())
    store::replace_file(std::filesystem::absolute(o.cursor_file), *cursor + "\n").value();
}

/// The cursor in the file, if there is one.
std::optional<std::string> kept_cursor(const std::string& file) {
  if (file.empty() || !std::filesystem::exists(file)) return std::nullopt;
  std::string text = store::read_file(file).value();
  while (text.ends_with('\n')) text.pop_back();
  if (text.empty()) return std::nullopt;
  return text;
}

int run(Context& context, const Options& o) {
  EventsQuestion q = of(o.filter, o.q);
  if (!q.cursor && !q.after_cursor)
    if (auto kept = kept_cursor(o.cursor_file)) q.after_cursor = std::move(*kept);
  std::optional<Pager> pager;
  EventPrinter printer(context);
  const auto row = [&](const EventView& e) {
    if (!pager && !o.follow) pager.emplace(context);
    printer.print(e);
    return true;
  };
  const auto told = [&](const EventsQuestion::Summary& s) {
    if (context.verbose) fmt::print(stderr, "events {} to {}\n", s.from, s.to);
  };
  if (o.follow) {
    bool first = true;
    follow(context, q, row, [&](const EventsQuestion::Summary& s, Followed how) {
      if (std::exchange(first, false)) told(s);
      if (how == Followed::More) return printer.flush();
      printer.finish();
      keep_cursor(o, s.cursor);
    });
    return 0;
  }
  const auto s = ask(context, q, std::function<bool(const EventView&)>(row));
  told(s);
  printer.finish();
  keep_cursor(o, s.cursor);
  return s.count == 0 && o.fail_empty ? 4 : 0;
}

/// Rows of `stats`, whose first column is what --by names.
std::vector<std::string> stats_members(const StatsQuestion& q) {
  if (q.summary) return {"events", "users", "first", "last"};
  const std::string by = q.by.value_or("kind");
  return {by == "ip" ? "address" : by, "events", "users", "first", "last"};
}

int stats(Context& context, const StatsQuestion& q) {
  const auto members = stats_members(q);
  Rows rows(context, members);
  // A table has room for seconds; the row for all is one.
  const bool exact = machine_output(context) || q.summary;
  const auto moment = [&](const std::optional<replay::Moment>& t) {
    return !t ? std::string() : exact ? replay::rfc3339(t->at) : replay::short_time(t->at);
  };
  ask(context, q, [&](const StatsQuestion::Row& r) {
    boost::json::object row;
    if (r.value) row[members.front()] = *r.value;
    row["events"] = r.events;
    row["users"] = r.users;
    row["first"] = moment(r.first);
    row["last"] = moment(r.last);
    rows.add(std::move(row));
    return true;
  });
  rows.finish();
  return 0;
}

int fields(Context& context, const replay::FieldsQuestion& q) {
  Rows rows(context, q.field ? std::vector<std::string>{"value", "events"}
                             : std::vector<std::string>{"field"});
  ask(context, q, [&](const replay::FieldsQuestion::Row& r) {
    if (r.events)
      rows.add({{"value", r.name}, {"events", *r.events}});
    else
      rows.add({{"field", r.name}});
    return true;
  });
  rows.finish();
  return 0;
}

int queries_of(Context& context, const replay::QueriesQuestion& q) {
  Rows rows(context, {"seq", "at", "reader", "subject", "reason", "ticket", "what"});
  ask(context, q, [&](const replay::QueriesQuestion::Row& r) {
    rows.add(replay::write_value(r).as_object());
    return true;
  });
  rows.finish();
  return 0;
}

void check_audit(const Options& o) {
  const int places =
      (o.q.cursor ? 1 : 0) + (o.q.after_cursor ? 1 : 0) + (o.cursor_file.empty() ? 0 : 1);
  if (places > 1) usage_error("say where to go on once: --cursor, --after-cursor or --cursor-file");
  if (!o.follow) return;
  if (o.q.reverse)
    usage_error("-f goes on with what comes, so it cannot show the newest first (-r)");
  if (o.filter.until || (o.filter.seq && !o.filter.seq->ends_with("..")))
    usage_error("-f goes on with what comes, so the question has no end (--until, --seq A..B)");
  if (o.fail_empty) usage_error("-f ends when it is told to: --fail-empty says nothing there");
}

}  // namespace

void add_audit(Command& root) {
  auto o = std::make_shared<Options>();
  Command audit = root.command("audit", "what was done, by whom, when, from where");
  declare_filter(audit, o->filter);
  audit.formats(event_formats(), [](const Context& c) { return event_fields(c.output); });
  audit.option("-n,--lines", o->q.limit, "the newest so many; with a cursor: the next so many");
  audit.flag("-r,--reverse", o->q.reverse, "newest first");
  audit.flag("-f,--follow", o->follow, "go on with what comes; Ctrl-C ends");
  audit.option("--cursor", o->q.cursor, "from this event on", a_word());
  audit.option("--after-cursor", o->q.after_cursor, "from the event after this one on", a_word());
  audit.option("--cursor-file", o->cursor_file,
               "go on after the cursor in the file, and write the new one there", a_word());
  audit.flag("--show-cursor", o->show_cursor, "the last event's cursor, on stderr");
  audit.flag("--fail-empty", o->fail_empty, "exit 4 where nothing matches");
  audit.check([o](const Context&) { check_audit(*o); });
  audit.examples(
      "  rollcall audit -u ada -S today\n  rollcall audit action=order.updated "
      "changes.attributes.state=paid -o ndjson\n"
      "  rollcall audit -g 'invoice [0-9]+' --ip '10.1.*' -n 20\n  rollcall audit -f -o ndjson "
      "--cursor-file here.cursor\n"
      "  rollcall audit --channel presence-lobby -S yesterday\n"
      "  rollcall audit stats --by hour -S yesterday");
  audit.run_default([o](Context& context) { return run(context, *o); });

  auto counted = std::make_shared<StatsQuestion>();
  Command counting = audit.command("stats", "how often, by user, kind, hour, action or address");
  declare_filter(counting, o->filter);
  counting.formats({"short", "wide", "json", "ndjson", "csv", "cat"},
                   [counted](const Context&) { return stats_members(*counted); });
  counting.option("--by", counted->by, "user, kind, hour, action or ip (default: kind)",
                  one_of({"user", "kind", "hour", "action", "ip"}));
  counting.option("-n,--lines", counted->limit, "the first so many rows");
  counting.flag("--summary", counted->summary, "one row for all");
  counting.check([counted](const Context&) {
    if (counted->summary && (counted->by || counted->limit))
      usage_error("--summary is one row for all: --by and -n say nothing there");
  });
  counting.examples(
      "  rollcall audit stats --by user -n 10\n  rollcall audit stats --by hour -S today -o csv");
  counting.run([o, counted](Context& context) { return stats(context, of(o->filter, *counted)); });

  auto values = std::make_shared<replay::FieldsQuestion>();
  Command listing = audit.command("fields", "the fields of FIELD=VALUE; with a NAME, its values");
  listing.option("NAME", values->field, "a field", replay::field_fault);
  listing.formats({"short", "wide", "json", "ndjson", "csv", "cat"},
                  [values](const Context&) -> std::vector<std::string> {
                    if (!values->field) return {"field"};
                    return {"value", "events"};
                  });
  listing.examples("  rollcall audit fields\n  rollcall audit fields action");
  listing.run([values](Context& context) { return fields(context, *values); });

  Command queries = audit.command("queries", "who read whose history, and why");
  declare_filter(queries, o->filter);
  queries.rows({"seq", "at", "reader", "subject", "subject_number", "reason", "ticket", "what"});
  queries.check([o](const Context&) {
    if (!o->filter.event.empty())
      usage_error("queries are of one kind: --event says nothing there");
  });
  queries.examples("  rollcall audit queries\n  rollcall audit queries --subject ada -S week-ago");
  queries.run([o](Context& context) {
    return queries_of(context, of(o->filter, replay::QueriesQuestion{}));
  });
}

}  // namespace rollcall::cli
