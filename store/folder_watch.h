// Whether a store is still where it was opened.
//
// Why this file exists: files that are open outlive their names. A server whose store was removed,
// or replaced by another, would take writes into files that nobody will find again, and say OK.
#pragma once

#include "store/errc.h"
#include "store/layout.h"

#include <sys/types.h>

#include <utility>
#include <vector>

namespace rollcall::store {

class FolderWatch {
 public:
  /// What is there now is what has to stay.
  explicit FolderWatch(const Layout& layout);
  /// What has become of it, where it is no longer there.
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
