// rollcall import: history from a file, all of it or nothing.
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/remote.h"
#include "cli/writing.h"
#include "replay/import.h"
#include "replay/policy_setting.h"
#include "replay/time_text.h"
#include "store/log/event_clock.h"
#include "store/log/snapshot.h"

#include <boost/json.hpp>
#include <fmt/format.h>

namespace rollcall::cli {

void add_import(Command& root) {
  struct Options {
    std::string file;
    bool dry_run = false;
    std::optional<std::string> idle_after, session_ttl;
    [[nodiscard]] std::optional<engine::Policy> policy() const {
      if (!idle_after && !session_ttl) return std::nullopt;
      engine::Policy out;
      if (idle_after) replay::set_policy(out, "idle_after", *idle_after).value();
      if (session_ttl) replay::set_policy(out, "ttl", *session_ttl).value();
      return out;
    }
  };
  auto o = std::make_shared<Options>();
  Command command = root.command("import", "append the events of an NDJSON file (.zst too)");
  command.positional("FILE", o->file,
                     "one event a line, - for standard input; docs/import.md says how");
  command.flag("--dry-run", o->dry_run, "check every line and write nothing");
  command.option("--idle-after", o->idle_after,
                 "for a new log: without activity for so long somebody is Away (default 5min)");
  command.option("--session-ttl", o->session_ttl,
                 "for a new log: without activity for so long a session ends, or off (default 2h)");
  command.check([o](const Context&) {
    engine::Policy tried;
    const auto check = [&](const char* option, const char* name, const auto& value) {
      if (!value) return;
      if (const auto set = replay::set_policy(tried, name, *value); !set)
        usage_error(fmt::format("{}: {}", option,
                                set.error().detail.substr(set.error().detail.find(": ") + 2)));
    };
    check("--idle-after", "idle_after", o->idle_after);
    check("--session-ttl", "ttl", o->session_ttl);
  });
  command.rows({"lines", "logins", "activities", "logouts", "appended", "session_gone"});
  command.examples(
      "  rollcall import events.ndjson.zst\n"
      "  rollcall -d new import 2025.ndjson --idle-after 10min --session-ttl off");
  command.run_writing([o](Context& context) {
    constexpr std::size_t kSizeMax = std::size_t{8} << 30;
    const std::string text = replay::read_maybe_zst(o->file, kSizeMax).value();
    const auto show = [&](const replay::ImportReport& report) {
      Rows rows(context, {"lines", "logins", "activities", "logouts", "appended", "session_gone"});
      rows.add({{"lines", report.lines},
                {"logins", report.logins},
                {"activities", report.activities},
                {"logouts", report.logouts},
                {"appended", report.headers},
                {"session_gone", report.unknown}});
      rows.finish();
      return o->dry_run && report.lines > 0 ? 7 : 0;
    };
    if (!context.url.empty()) {
      // The file stays here: a served log is ahead of every past, and that is all to ask it.
      const auto log = get(context, "/v1/log");
      const auto last = replay::parse_rfc3339(std::string(log.at("last_at").as_string())).value();
      const auto report = replay::check_import(text, last, store::wall_now()).value();
      if (!o->dry_run && report.lines > 0)
        throw store::Failure({store::Errc::Refused,
                              "the log of a running server moves on with the clock: import into "
                              "its folder (-d) while the server is stopped"});
      return show(report);
    }
    const auto writer = open_or_create_writer(context);
    ProgressBar bar(context, "importing");
    const auto report =
        replay::import_ndjson(
            *writer, text, o->dry_run ? replay::DryRun::Yes : replay::DryRun::No, store::wall_now(),
            [&](auto done, auto all) { bar.update(done, all); }, o->policy())
            .value();
    // Else the first start would fold all of it.
    if (report.headers >= store::kSnapshotEvery)
      (void)store::make_snapshot(context.layout(), writer->log(), store::kSnapshotsKept).value();
    return show(report);
  });
}

}  // namespace rollcall::cli
