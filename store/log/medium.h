// What a store is kept on: where its log comes from and what writes its vault.
//
// Why this file exists: opening and creating a store take this one object, so that the same writer
// runs on RocksDB, in memory or on something that fails (store/log/event_log.h,
// store/bytes/files.h).
#pragma once

#include "store/bytes/files.h"
#include "store/log/event_log.h"
#include "store/log/layout.h"

namespace rollcall::store::inline log {

/// As it is: RocksDB under the layout's folder. Others replace what they keep elsewhere.
class Medium {
 public:
  Medium() = default;
  virtual ~Medium() = default;
  Medium(const Medium&) = delete;
  Medium& operator=(const Medium&) = delete;

  [[nodiscard]] virtual bool has_log(const Layout& layout) const;
  /// An empty log, with its origin in its meta family.
  [[nodiscard]] virtual Result<std::unique_ptr<EventLog>> create_log(const Layout& layout,
                                                                     std::string_view origin);
  /// For the one writer.
  [[nodiscard]] virtual Result<std::unique_ptr<EventLog>> open_log(const Layout& layout);
  /// A log that was made by halves, and that nobody has open.
  virtual void remove_log(const Layout& layout);
  /// Through which the vault writes, and the list of the erased.
  [[nodiscard]] virtual Files& files() { return disk_files(); }
};

/// The one medium that outlives every store of this process.
[[nodiscard]] Medium& on_disk();

}  // namespace rollcall::store::inline log
