// Notices when a store is no longer where it was opened.
//
// Why this file exists: open files outlive their names. A server whose store was removed or
// replaced would accept writes into files that nobody will find again, and report success.
#pragma once

#include "store/bytes/errc.h"
#include "store/log/layout.h"

#include <sys/types.h>

#include <utility>
#include <vector>

namespace rollcall::store {

class FolderWatch {
 public:
  /// Remembers what is there now; it has to stay.
  explicit FolderWatch(const Layout& layout);
  /// What is wrong, if something is no longer there.
  [[nodiscard]] Result<void> check() const;

 private:
  struct Kept {
    std::filesystem::path path;
    dev_t device = 0;
    ino_t inode = 0;
  };
  std::vector<Kept> kept_;                      ///< folders, and the lock
  std::vector<std::filesystem::path> present_;  ///< files that are replaced, but never missing
};

}  // namespace rollcall::store
