// Backups: a copy of the log while it is written, the vault apart, and restoring without signing a
// fork.
//
//   DIR/<name>/log, keys/{trusted,policy}, checkpoint, backup   the data: holds no name and no key
//   DIR/erasures                                                numbers of everybody ever forgotten
//   VAULT_DIR/<name>                                            the vault's records, where asked
//   for
//
// The app's folder keeps a list of these folders (`backups`): forgetting somebody puts the number
// on each list of erasures and takes the key out of each copy of the vault.
//
// A restore applies the newest list of erasures before anything is read, and the restored store
// goes on under a new origin: its first event, LogContinued, names the old origin, size and root.
// The old log may have signed more than the backup holds; two histories must never be signed under
// one name.
#pragma once

#include "store/checkpoints.h"
#include "store/files.h"

#include <functional>

namespace rollcall::store {

class Writer;

struct BackupInfo {
  std::string name;
  std::string app;
  std::string origin;
  std::uint64_t size = 0;
  Hash root{};
  std::string taken_at;
  std::filesystem::path path;
};

struct BackupRequest {
  std::filesystem::path directory;
  std::string name;
  std::string taken_at;                   ///< RFC 3339, for people
  std::filesystem::path vault_directory;  ///< empty: the vault is not copied
  /// Looks at the finished copy before it gets its name; an error leaves no backup.
  std::function<Result<void>(const Layout& copy, const BackupInfo& info)> check = nullptr;
};

/// Works beside a live writer.
[[nodiscard]] Result<BackupInfo> create_backup(const Layout& layout, const BackupRequest& request);
[[nodiscard]] Result<std::vector<BackupInfo>> list_backups(const std::filesystem::path& directory);
[[nodiscard]] Result<BackupInfo> read_backup(const std::filesystem::path& path);
/// A backup read as a store, for verifying it.
[[nodiscard]] Layout layout_of(const BackupInfo& backup);

struct RestoreRequest {
  std::filesystem::path backup;
  std::filesystem::path vault;       ///< the vault copy's file
  std::filesystem::path master_key;  ///< the master key's file; empty: from the environment
  std::vector<std::filesystem::path> erasures;  ///< further lists to apply
};
/// Makes `layout` (which must not exist) from a backup. Whole or not at all.
[[nodiscard]] Result<void> restore_backup(const Layout& layout, const RestoreRequest& request);
/// Removes all but the newest `keep` backups; their names are returned.
[[nodiscard]] Result<std::vector<std::string>> prune_backups(const std::filesystem::path& directory,
                                                             std::size_t keep, bool dry_run);

/// Held while a copy is made in a folder of backups or of vaults, and while somebody is taken out
/// of the copies there: the two would write one file at a time.
[[nodiscard]] Result<FileLock> lock_copies(const std::filesystem::path& directory);
/// The lines of the list of backup folders, `data DIR` and `vault DIR`; empty where there is none.
[[nodiscard]] Result<std::string> read_backup_folders(const Layout& layout);
/// Whether what a restore left to be done is told whole, where one did.
[[nodiscard]] Result<void> check_restored(const Layout& layout);

/// Gives a restored log its new origin and key; called once, when it is first opened for writing.
[[nodiscard]] Result<void> continue_restored(Writer& writer);

}  // namespace rollcall::store
