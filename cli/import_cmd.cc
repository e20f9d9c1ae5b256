// rollcall import: history from a file, all of it or nothing.
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/remote.h"
#include "cli/writing.h"
#include "replay/import.h"
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
  };
  auto o = std::make_shared<Options>();
  Command command = root.command("import", "append the events of an NDJSON file (.zst too)");
  command.positional("FILE", o->file, "one event a line; docs/import.md says how");
  command.flag("--dry-run", o->dry_run, "check every line and write nothing");
  command.rows({"lines", "logins", "activities", "logouts", "appended", "session_gone"});
  command.examples("  rollcall import events.ndjson.zst");
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
    const auto report = replay::import_ndjson(
                            *writer, text, o->dry_run ? replay::DryRun::Yes : replay::DryRun::No,
                            store::wall_now(), [&](auto done, auto all) { bar.update(done, all); })
                            .value();
    // Else the first start would fold all of it.
    if (report.headers >= store::kSnapshotEvery)
      (void)store::make_snapshot(context.layout(), writer->log(), store::kSnapshotsKept).value();
    return show(report);
  });
}

}  // namespace rollcall::cli
