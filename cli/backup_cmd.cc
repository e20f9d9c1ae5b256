// rollcall backup: create, list, verify, restore, prune.
#include "cli/ask.h"
#include "cli/commands.h"
#include "cli/confirm.h"
#include "replay/question/copies.h"
#include "replay/question/verify.h"
#include "store/backup.h"
#include "store/writer.h"

#include <fmt/format.h>

namespace rollcall::cli {
namespace {

/// A folder of this machine as it is; of a server's, as it was named there.
std::string folder_of(const Context& context, const std::string& given) {
  return context.url.empty() ? std::filesystem::absolute(given).string() : given;
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
  create.positional("DIR", o->directory, "where backups are kept", a_word());
  create.option("--name", o->name, "its name (default: the time)");
  create.option("--vault", o->vault,
                "another folder, for a copy of the vault (wrapped; without the master key)",
                a_word());
  create.examples("  rollcall backup create /backups/presence --vault /backups-of-keys/presence");
  create.run([o](Context& context) {
    replay::BackupCreation q{folder_of(context, o->directory), std::nullopt, std::nullopt};
    if (!o->name.empty()) q.name = o->name;
    if (!o->vault.empty()) q.vault = folder_of(context, o->vault);
    const auto made = ask(context, q);
    fmt::print("{}   size {}   verified\n", printable(made.path), made.size);
    return 0;
  });

  Command list = backup.command("list", "the backups in a folder, oldest first");
  list.positional("DIR", o->directory, "where backups are kept", a_word());
  list.rows({"name", "taken_at", "app", "size", "origin"});
  list.examples("  rollcall backup list /backups/presence");
  list.run([o](Context& context) {
    Rows rows(context, {"name", "taken_at", "app", "size", "origin"});
    ask(context, replay::BackupsQuestion{folder_of(context, o->directory)},
        [&](const replay::BackupRow& r) {
          rows.add(replay::write_value(r).as_object());
          return true;
        });
    rows.finish();
    return 0;
  });

  Command verify =
      backup.command("verify", "hash every header of a backup against what was signed");
  verify.positional("BACKUP", o->directory, "DIR/NAME", a_word());
  verify.examples("  rollcall backup verify /backups/presence/2026-01-15");
  verify.run([o](Context& context) {
    const auto report = ask(context, replay::BackupVerification{folder_of(context, o->directory)},
                            [](const replay::BackupVerification::Row& r) {
                              fmt::print("{}\n", printable(r.finding));
                              return true;
                            });
    if (report.size != report.made_at_size)
      throw store::Failure(
          {store::Errc::Tampered, fmt::format("the backup was made at size {} and holds {}",
                                              report.made_at_size, report.size)});
    const auto verdict = replay::verdict_named(report.verdict);
    if (verdict != replay::Verdict::Verified) return verdict == replay::Verdict::Tampered ? 20 : 21;
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
  prune.positional("DIR", o->directory, "where backups are kept", a_word());
  prune.option("--keep", o->keep, "how many stay (default: 7)");
  prune.flag("--dry-run", o->dry_run, "only say which; exit 7 where there are any");
  prune.flag("--yes", o->yes, "do not ask");
  prune.examples("  rollcall backup prune /backups/presence --keep 7 --yes");
  prune.run([o](Context& context) {
    replay::BackupPruning q{folder_of(context, o->directory), o->keep, true};
    std::uint64_t doomed = 0;
    ask(context, q, [&](const replay::BackupPruning::Row& r) {
      fmt::print("{}\n", printable(r.name));
      ++doomed;
      return true;
    });
    if (o->dry_run) return doomed == 0 ? 0 : 7;
    if (doomed == 0) return 0;
    confirm("the number of backups to remove", fmt::format("{}", doomed), o->yes);
    q.dry_run = false;
    ask(context, q);
    return 0;
  });
}

}  // namespace rollcall::cli
