// rollcall backup: create, list, verify, restore, prune.
#include "cli/commands.h"
#include "cli/confirm.h"
#include "cli/output.h"
#include "replay/time_text.h"
#include "replay/verify.h"
#include "store/backup.h"
#include "store/log/event_clock.h"
#include "store/writer.h"

#include <fmt/format.h>

namespace rollcall::cli {
namespace {

/// Every header of a copy against what was signed.
store::Result<void> check_copy(const store::Layout& copy, const store::BackupInfo& info) {
  replay::VerifyOptions options;
  options.full = true;
  options.bodies = false;
  const auto report = replay::verify_store(copy, options);
  if (report.size != info.size)
    return store::Error{
        store::Errc::Tampered,
        fmt::format("the backup was made at size {} and holds {}", info.size, report.size)};
  for (const auto& finding : report.findings) {
    if (finding.verdict == replay::Verdict::Tampered)
      return store::Error{store::Errc::Tampered, "the copy does not verify: " + finding.text};
  }
  return {};
}

/// Beside a busy writer a copy may be cut through a moment when files change places: it is made
/// again. What is damaged in the store itself is still damaged then, and is told.
store::BackupInfo create_whole(const store::Layout& layout, const store::BackupRequest& request) {
  constexpr int kTries = 3;
  auto made = store::create_backup(layout, request);
  for (int i = 1; i < kTries && !made && made.error().code == store::Errc::Tampered; ++i)
    made = store::create_backup(layout, request);
  return made.value();
}

}  // namespace

void add_backup(Command& root) {
  struct Options {
    std::string directory, name, vault, master_key;
    std::vector<std::string> erasures;
    std::uint64_t keep = 7;
    bool yes = false, dry_run = false;
  };
  auto o = std::make_shared<Options>();
  Command backup = root.command("backup", "copies of the log, the vault apart");

  Command create = backup.command("create", "copy the log while it is written");
  create.folder_positional("DIR", o->directory, "where backups are kept");
  create.option("--name", o->name, "its name (default: the time)");
  create.folder("--vault", o->vault,
                "another folder, for a copy of the vault (wrapped; without the master key)");
  create.examples("  rollcall backup create /backups/presence --vault /backups-of-keys/presence");
  create.run_here_or_there([o](Context& context) {
    const std::string now = replay::rfc3339(store::wall_now());
    std::string name = o->name;
    if (name.empty()) {
      for (const char c : now) name += c == ':' ? '-' : c;
    }
    store::BackupRequest request{std::filesystem::absolute(o->directory), name, now,
                                 o->vault.empty() ? "" : std::filesystem::absolute(o->vault),
                                 check_copy};
    const auto info = create_whole(context.layout(), request);
    fmt::print("{}   size {}   verified\n", printable(info.path.string()), info.size);
    return 0;
  });

  Command list = backup.command("list", "the backups in a folder, oldest first");
  list.folder_positional("DIR", o->directory, "where backups are kept");
  list.rows({"name", "taken_at", "app", "size", "origin"});
  list.examples("  rollcall backup list /backups/presence");
  list.run_here_or_there([o](Context& context) {
    Rows rows(context, {"name", "taken_at", "app", "size", "origin"});
    for (const auto& info : store::list_backups(o->directory).value()) {
      rows.add({{"name", info.name},
                {"taken_at", info.taken_at},
                {"app", info.app},
                {"size", info.size},
                {"origin", info.origin}});
    }
    rows.finish();
    return 0;
  });

  Command verify =
      backup.command("verify", "hash every header of a backup against what was signed");
  verify.folder_positional("BACKUP", o->directory, "DIR/NAME");
  verify.examples("  rollcall backup verify /backups/presence/2026-01-15");
  verify.run_here_or_there([o](Context& context) {
    const auto info = store::read_backup(std::filesystem::absolute(o->directory)).value();
    replay::VerifyOptions options;
    options.full = true;
    options.bodies = false;
    ProgressBar bar(context, "verifying");
    options.progress = [&](auto done, auto all) { bar.update(done, all); };
    const auto report = replay::verify_store(store::layout_of(info), options);
    for (const auto& finding : report.findings) fmt::print("{}\n", printable(finding.text));
    if (report.size != info.size)
      throw store::Failure(
          {store::Errc::Tampered,
           fmt::format("the backup was made at size {} and holds {}", info.size, report.size)});
    if (report.verdict() != replay::Verdict::Verified)
      return report.verdict() == replay::Verdict::Tampered ? 20 : 21;
    fmt::print("size {}   bodies not opened\nVERIFIED\n", report.size);
    return 0;
  });

  Command restore =
      backup.command("restore", "make a store from a backup; it goes on under a new origin");
  restore.positional("BACKUP", o->directory, "DIR/NAME");
  restore.required("--vault", o->vault, "the vault's copy (a file)");
  restore.option("--master-key", o->master_key,
                 "the master key's file (default: $ROLLCALL_MASTER_KEY)");
  restore.option(
      "--erasures", o->erasures,
      "further lists of erased users to apply (the one beside the backups is always applied)");
  restore.flag("--yes", o->yes, "do not ask");
  restore.examples(
      "  rollcall -d restored backup restore /backups/presence/2026-01-15 \\\n      --vault "
      "/backups-of-keys/presence/2026-01-15 --master-key master.key");
  restore.run([o](Context& context) {
    const auto info = store::read_backup(std::filesystem::absolute(o->directory)).value();
    auto layout = context.layout();
    if (context.app.empty())
      layout = store::locate(layout.app_dir.parent_path().parent_path(), info.app).value();
    fmt::print(stderr,
               "Plan: restore {} events of {} into {}; who was forgotten since is forgotten there, "
               "too. It will write under a new origin.\n",
               info.size, printable(info.origin), printable(layout.app_dir.string()));
    confirm("the backup's name", info.name, o->yes);
    store::RestoreRequest request{info.path, o->vault, o->master_key, {}};
    for (const auto& file : o->erasures) request.erasures.emplace_back(file);
    store::restore_backup(layout, request).value();
    fmt::print("{}\n", printable(layout.app_dir.string()));
    return 0;
  });

  Command prune = backup.command("prune", "remove all but the newest");
  prune.folder_positional("DIR", o->directory, "where backups are kept");
  prune.option("--keep", o->keep, "how many stay (default: 7)");
  prune.flag("--dry-run", o->dry_run, "only say which; exit 7 where there are any");
  prune.flag("--yes", o->yes, "do not ask");
  prune.examples("  rollcall backup prune /backups/presence --keep 7 --yes");
  prune.run_here_or_there([o](Context&) {
    const auto doomed = store::prune_backups(o->directory, o->keep, true).value();
    for (const auto& name : doomed) fmt::print("{}\n", printable(name));
    if (o->dry_run) return doomed.empty() ? 0 : 7;
    if (doomed.empty()) return 0;
    confirm("the number of backups to remove", fmt::format("{}", doomed.size()), o->yes);
    (void)store::prune_backups(o->directory, o->keep, false).value();
    return 0;
  });
}

}  // namespace rollcall::cli
