// Backups: copying a log while it is written, the vault separately, and restoring without signing
// a fork.
//
//   DIR/<name>/log, keys/{trusted,policy}, checkpoint, backup   the data: no keys, no plain names
//   DIR/erasures                                                numbers of all users ever forgotten
//   VAULT_DIR/<name>                                            the vault's records, if asked
//   for
//
// The app's folder keeps a list of these folders (`backups`): forgetting a user adds the number
// to each list of erasures and removes the key from each copy of the vault.
//
// A restore applies the newest list of erasures before anything is read, and the restored store
// continues under a new origin: its first event, LogContinued, names the old origin, size and root.
// The old log may have signed more than the backup holds; two histories must never be signed under
// one name.
#pragma once

#include "store/bytes/files.h"
#include "store/log/checkpoints.h"

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
  /// Checks the finished copy before it gets its name; an error leaves no backup.
  std::function<Result<void>(const Layout& copy, const BackupInfo& info)> check = nullptr;
};

/// Works while another process or thread writes.
[[nodiscard]] Result<BackupInfo> create_backup(const Layout& layout, const BackupRequest& request);
[[nodiscard]] Result<std::vector<BackupInfo>> list_backups(const std::filesystem::path& directory);
[[nodiscard]] Result<BackupInfo> read_backup(const std::filesystem::path& path);
/// A backup opened as a store, for verifying it.
[[nodiscard]] Layout layout_of(const BackupInfo& backup);

struct RestoreRequest {
  std::filesystem::path backup;
  std::filesystem::path vault;       ///< the vault copy's file
  std::filesystem::path master_key;  ///< the master key's file; empty: from the environment
  std::vector<std::filesystem::path> erasures;  ///< further lists to apply
};
/// Creates `layout` (which must not exist) from a backup: all of it, or nothing.
[[nodiscard]] Result<void> restore_backup(const Layout& layout, const RestoreRequest& request);
/// Removes all but the newest `keep` backups; returns the removed ones' names.
[[nodiscard]] Result<std::vector<std::string>> prune_backups(const std::filesystem::path& directory,
                                                             std::size_t keep, bool dry_run);

/// Held while a copy is made in a folder of backups or of vaults, and while a user is removed from
/// the copies there: both write the same files.
[[nodiscard]] Result<FileLock> lock_copies(const std::filesystem::path& directory);
/// The lines of the list of backup folders, `data DIR` and `vault DIR`; empty if there is none.
[[nodiscard]] Result<std::string> read_backup_folders(const Layout& layout);
/// Whether the note that a restore left for the next opening, if any, is intact.
[[nodiscard]] Result<void> check_restored(const Layout& layout);

/// Gives a restored log its new origin and key; called once, when it is first opened for writing.
[[nodiscard]] Result<void> continue_restored(Writer& writer);

}  // namespace rollcall::store
