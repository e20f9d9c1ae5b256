// Files that fail as disks do, and forget at a crash what was not synced: for tests.
#pragma once

#include "store/bytes/faults.h"
#include "store/bytes/files.h"

#include <functional>
#include <vector>

namespace rollcall::store::inline bytes {

/// Around the file system. Nothing is really synced: a sync only ends what a crash would undo. For
/// one thread at a time.
class FaultyFiles final : public Files {
 public:
  /// `faults` outlives it. In `undo`, a folder on the same disk, it keeps names that a crash brings
  /// back.
  FaultyFiles(Faults& faults, std::filesystem::path undo);
  ~FaultyFiles() override;

  /// The power is gone: contents and names as they were last synced. No file may be open.
  void crash();

  [[nodiscard]] Result<std::unique_ptr<File>> open(const std::filesystem::path& path) override;
  [[nodiscard]] Result<std::unique_ptr<File>> create(const std::filesystem::path& path,
                                                     Secret secret) override;
  [[nodiscard]] Result<void> rename(const std::filesystem::path& from,
                                    const std::filesystem::path& to) override;
  [[nodiscard]] Result<void> link(const std::filesystem::path& file,
                                  const std::filesystem::path& name) override;
  [[nodiscard]] Result<void> remove(const std::filesystem::path& path) override;
  [[nodiscard]] Result<void> sync_directory(const std::filesystem::path& directory) override;

 private:
  class Watched;
  struct Undo {
    std::uint64_t inode;              ///< whose sync ends it; 0: that of the folder
    std::filesystem::path directory;  ///< whose sync ends it, if it is about a name
    std::function<void()> back;
    std::filesystem::path kept;  ///< in `undo_`, if anything is
  };
  /// Another name for a file that loses one; empty if there is no such file.
  [[nodiscard]] std::filesystem::path keep(const std::filesystem::path& path);
  void remember_content(std::uint64_t inode, std::shared_ptr<File> file);
  void settle(const std::function<bool(const Undo&)>& settled);
  /// What becomes of an operation: `work` is done or not.
  [[nodiscard]] Result<void> perform(const char* what, const std::function<Result<void>()>& work);

  Faults& faults_;
  std::filesystem::path undo_;
  std::uint64_t kept_ = 0;
  std::vector<Undo> undos_;
};

}  // namespace rollcall::store::inline bytes
