// rollcall audit: the activity log, filtered, paged, followed, counted.
#include "cli/audit_options.h"
#include "cli/commands.h"
#include "cli/event_rows.h"
#include "cli/output.h"
#include "cli/pager.h"
#include "cli/reading.h"
#include "cli/remote.h"
#include "replay/particulars.h"
#include "replay/time_text.h"
#include "store/bytes/files.h"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <limits>
#include <thread>

namespace rollcall::cli {
namespace {

using replay::EventView;

struct Options {
  AuditOptions filter;
  std::optional<std::uint64_t> n;
  bool reverse = false, follow = false, show_cursor = false, fail_empty = false, summary = false;
  std::string cursor, after_cursor, cursor_file, by, field;
};

volatile std::sig_atomic_t stop_asked = 0;

void print_cursor(const replay::Reader& reader, const replay::AuditFilter& filter, const Options& o,
                  engine::Seq seq) {
  if (seq == 0) return;
  const std::string cursor = replay::make_cursor(reader, filter, seq).value();
  if (o.show_cursor) fmt::print(stderr, "-- cursor: {}\n", cursor);
  if (!o.cursor_file.empty())
    store::replace_file(std::filesystem::absolute(o.cursor_file), cursor + "\n").value();
}

/// Goes on with what is appended: reads nothing that was read before.
int follow(Context& context, const Options& o, const replay::AuditFilter& question,
           EventPrinter& printer, engine::Seq seen, engine::Seq shown) {
  std::signal(SIGINT, [](int) { stop_asked = 1; });
  std::signal(SIGTERM, [](int) { stop_asked = 1; });
  auto reader = replay::Reader::open(context.layout(), store::Log::Mode::Follow).value();
  auto filter = question;
  filter.to = ~engine::Seq{0};
  while (stop_asked == 0) {
    reader.catch_up().value();
    if (reader.last() > seen) {
      filter.from = std::max(question.from, seen + 1);
      replay::Audit::prepare(reader, filter)
          .value()
          .run(false,
               [&](const EventView& e) {
                 printer.print(e);
                 shown = e.header.seq;
                 return true;
               })
          .value();
      seen = reader.last();
      printer.flush();
    }
    std::this_thread::sleep_for(
        std::chrono::milliseconds(100));  // how often a follower asks the log
  }
  printer.finish();
  print_cursor(reader, question, o, shown);
  return 0;
}

int run(Context& context, const Options& o) {
  const auto reader = open_read(context, o.filter.users, o.filter.describe());
  const replay::AuditFilter question = o.filter.filter(reader);
  replay::AuditFilter filter = question;
  std::string given = !o.cursor.empty() ? o.cursor : o.after_cursor;
  bool after = o.cursor.empty();
  if (given.empty() && !o.cursor_file.empty() && std::filesystem::exists(o.cursor_file)) {
    given = store::read_file(o.cursor_file).value();
    while (given.ends_with('\n')) given.pop_back();
    after = true;
  }
  if (!given.empty()) {
    const engine::Seq at = replay::read_cursor(reader, question, given).value();
    if (o.reverse)
      filter.to = std::min(filter.to, after ? at - 1 : at);
    else
      filter.from = std::max(filter.from, after ? at + 1 : at);
  }
  if (context.verbose) {
    fmt::print(stderr, "events {} to {}\n", filter.from, std::min(filter.to, reader.last()));
  }
  const auto audit = replay::Audit::prepare(reader, filter).value();
  std::optional<Pager> pager;
  if (!o.follow) pager.emplace(context);
  EventPrinter printer(context);
  engine::Seq last_shown = 0;
  std::uint64_t count = 0;
  const auto print = [&](const EventView& e) {
    printer.print(e);
    last_shown = e.header.seq;
    ++count;
  };
  // -n takes the newest, shown in order; after a cursor it is a page that goes on from there.
  const std::uint64_t most = o.n.value_or(std::numeric_limits<std::uint64_t>::max());
  if (most == 0) {
    // None of what is there; with -f, what comes.
  } else if (o.n && !o.reverse && given.empty()) {
    std::vector<EventView> newest;
    audit
        .run(true,
             [&](const EventView& e) {
               newest.push_back(e);
               return newest.size() < most;
             })
        .value();
    std::reverse(newest.begin(), newest.end());
    for (const auto& e : newest) print(e);
  } else {
    audit
        .run(o.reverse,
             [&](const EventView& e) {
               print(e);
               return count < most;
             })
        .value();
  }
  if (o.follow) {
    printer.flush();
    return follow(context, o, question, printer, reader.last(), last_shown);
  }
  printer.finish();
  print_cursor(reader, question, o, last_shown);
  return count == 0 && o.fail_empty ? 4 : 0;
}

/// Rows of `stats`, whose first column is what --by names.
std::vector<std::string> stats_members(const Options& o) {
  if (o.summary) return {"events", "users", "first", "last"};
  return {o.by == "ip" ? "address" : o.by, "events", "users", "first", "last"};
}

int stats(Context& context, const Options& o) {
  const auto reader = open_read(context, o.filter.users, "audit stats");
  auto filter = o.filter.filter(reader);
  const auto audit = replay::Audit::prepare(reader, filter).value();
  struct Count {
    std::uint64_t events = 0;
    std::vector<bool> seen;  // by user number
    std::uint64_t users = 0;
    engine::Micros first = 0, last = 0;
  };
  std::map<std::string, Count> counts;
  Count all;
  const auto note = [](Count& c, const engine::Header& h) {
    ++c.events;
    if (h.user >= c.seen.size()) c.seen.resize(h.user + std::size_t{1});
    if (h.user != 0 && !c.seen[h.user]) {
      c.seen[h.user] = true;
      ++c.users;
    }
    if (c.first == 0) c.first = h.at;
    c.last = h.at;
  };
  const bool needs_body = o.by == "ip" || o.by == "action";
  const auto key = [&](const EventView& e) -> std::string {
    if (o.by == "user") return e.user.empty() ? "-" : e.user;
    if (o.by == "kind") return std::string(engine::name_of(e.header.kind));
    if (o.by == "hour") return replay::rfc3339(e.header.at).substr(0, 13) + ":00";
    if (o.by == "action") return e.action.empty() ? "-" : e.action;
    return e.body.body.address.empty() ? "-" : e.body.body.address;
  };
  audit
      .run(
          false,
          [&](const EventView& e) {
            note(counts[key(e)], e.header);
            note(all, e.header);
            return true;
          },
          needs_body ? replay::Audit::Bodies::Yes : replay::Audit::Bodies::No)
      .value();
  if (o.summary) {
    Rows rows(context, stats_members(o));
    rows.add({{"events", all.events},
              {"users", all.users},
              {"first", all.first == 0 ? "" : replay::rfc3339(all.first)},
              {"last", all.last == 0 ? "" : replay::rfc3339(all.last)}});
    rows.finish();
    return 0;
  }
  std::vector<std::pair<std::string, Count>> order(counts.begin(), counts.end());
  if (o.by != "hour")
    std::stable_sort(order.begin(), order.end(), [](const auto& a, const auto& b) {
      return a.second.events > b.second.events;
    });
  if (o.n && order.size() > *o.n) order.resize(*o.n);
  Rows rows(context, stats_members(o));
  const std::string column = stats_members(o).front();
  for (const auto& [name, c] : order) {
    const bool machine = machine_output(context);
    rows.add({{column, name},
              {"events", c.events},
              {"users", c.users},
              {"first", machine ? replay::rfc3339(c.first) : replay::short_time(c.first)},
              {"last", machine ? replay::rfc3339(c.last) : replay::short_time(c.last)}});
  }
  rows.finish();
  return 0;
}

int fields(Context& context, const Options& o) {
  const auto reader = replay::Reader::open(context.layout()).value();
  if (o.field.empty()) {
    Rows rows(context, {"field"});
    for (const auto& name : replay::audit_fields()) rows.add({{"field", name}});
    for (const char* name : {"properties.PATH", "changes.PATH"}) rows.add({{"field", name}});
    rows.finish();
    return 0;
  }
  // The values a field takes, and how often.
  std::map<std::string, std::uint64_t> values;
  const auto audit = replay::Audit::prepare(reader, {}).value();
  audit
      .run(false,
           [&](const EventView& e) {
             const std::string direct = replay::field_text(e, o.field).value_or("");
             if (!direct.empty()) ++values[direct];
             return true;
           })
      .value();
  std::vector<std::pair<std::string, std::uint64_t>> order(values.begin(), values.end());
  std::stable_sort(order.begin(), order.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  Rows rows(context, {"value", "events"});
  for (const auto& [value, n] : order) rows.add({{"value", value}, {"events", n}});
  rows.finish();
  return 0;
}

int queries_of(Context& context, const Options& o) {
  const auto reader = replay::Reader::open(context.layout()).value();
  auto filter = o.filter.filter(reader);
  filter.kinds = {engine::Kind::HistoryRead};
  Rows rows(context, {"seq", "at", "reader", "subject", "reason", "ticket", "what"});
  replay::Audit::prepare(reader, filter)
      .value()
      .run(false,
           [&](const EventView& e) {
             const auto own = replay::particulars(e);
             const auto text = [&](const char* name) {
               const auto* v = own.if_contains(name);
               return v != nullptr && v->is_string() ? std::string(v->get_string()) : std::string();
             };
             boost::json::object row{
                 {"seq", e.header.seq},          {"at", replay::rfc3339(e.header.at)},
                 {"reader", text("reader")},     {"subject", e.subject},
                 {"reason", e.body.body.reason}, {"ticket", e.body.body.ticket},
                 {"what", text("question")}};
             if (const auto subject = replay::subject_of(e.header))
               row["subject_number"] = *subject;
             rows.add(std::move(row));
             return true;
           })
      .value();
  rows.finish();
  return 0;
}

void check_audit(const Options& o) {
  const int places = (o.cursor.empty() ? 0 : 1) + (o.after_cursor.empty() ? 0 : 1) +
                     (o.cursor_file.empty() ? 0 : 1);
  if (places > 1) usage_error("say where to go on once: --cursor, --after-cursor or --cursor-file");
  if (!o.follow) return;
  if (o.reverse) usage_error("-f goes on with what comes, so it cannot show the newest first (-r)");
  if (!o.filter.until.empty() || (!o.filter.seqs.empty() && !o.filter.seqs.ends_with("..")))
    usage_error("-f goes on with what comes, so the question has no end (--until, --seq A..B)");
  if (o.fail_empty) usage_error("-f ends when it is told to: --fail-empty says nothing there");
}

}  // namespace

void add_audit(Command& root) {
  auto o = std::make_shared<Options>();
  Command audit = root.command("audit", "what was done, by whom, when, from where");
  o->filter.declare(audit);
  audit.formats(event_formats(), [](const Context& c) { return event_fields(c.output); });
  audit.option("-n,--lines", o->n, "the newest so many; with a cursor: the next so many");
  audit.flag("-r,--reverse", o->reverse, "newest first");
  audit.flag("-f,--follow", o->follow, "go on with what comes; Ctrl-C ends");
  audit.option("--cursor", o->cursor, "from this event on", a_word());
  audit.option("--after-cursor", o->after_cursor, "from the event after this one on", a_word());
  audit.file("--cursor-file", o->cursor_file,
             "go on after the cursor in the file, and write the new one there");
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
  audit.travels();
  audit.run_default([o](Context& context) {
    return context.url.empty() ? run(context, *o) : run_there(context);
  });

  Command counting = audit.command("stats", "how often, by user, kind, hour, action or address");
  o->filter.declare(counting);
  counting.formats({"short", "wide", "json", "ndjson", "csv", "cat"},
                   [o](const Context&) { return stats_members(*o); });
  counting.option("--by", o->by, "user, kind, hour, action or ip (default: kind)",
                  one_of({"user", "kind", "hour", "action", "ip"}));
  counting.option("-n,--lines", o->n, "the first so many rows");
  counting.flag("--summary", o->summary, "one row for all");
  counting.check([o](const Context&) {
    if (o->summary && (!o->by.empty() || o->n))
      usage_error("--summary is one row for all: --by and -n say nothing there");
    if (o->by.empty()) o->by = "kind";
  });
  counting.examples(
      "  rollcall audit stats --by user -n 10\n  rollcall audit stats --by hour -S today -o csv");
  counting.run_here_or_there([o](Context& context) { return stats(context, *o); });

  Command listing = audit.command("fields", "the fields of FIELD=VALUE; with a NAME, its values");
  listing.optional_positional("NAME", o->field, "a field", replay::field_fault);
  listing.formats({"short", "wide", "json", "ndjson", "csv", "cat"},
                  [o](const Context&) -> std::vector<std::string> {
                    if (o->field.empty()) return {"field"};
                    return {"value", "events"};
                  });
  listing.examples("  rollcall audit fields\n  rollcall audit fields action");
  listing.run_here_or_there([o](Context& context) { return fields(context, *o); });

  Command queries = audit.command("queries", "who read whose history, and why");
  o->filter.declare(queries);
  queries.rows({"seq", "at", "reader", "subject", "subject_number", "reason", "ticket", "what"});
  queries.check([o](const Context&) {
    if (!o->filter.kinds.empty())
      usage_error("queries are of one kind: --event says nothing there");
  });
  queries.examples("  rollcall audit queries\n  rollcall audit queries --subject ada -S week-ago");
  queries.run_here_or_there([o](Context& context) { return queries_of(context, *o); });
}

}  // namespace rollcall::cli
