// The medium that is RocksDB.
#include "store/log/medium.h"

#include "store/log/log.h"

#include <filesystem>
#include <system_error>

namespace rollcall::store::inline log {

bool Medium::has_log(const Layout& layout) const { return exists(layout); }

Result<std::unique_ptr<EventLog>> Medium::create_log(const Layout& layout,
                                                     std::string_view origin) {
  auto log = Log::create(layout, origin);
  if (!log) return log.error();
  return std::unique_ptr<EventLog>(std::move(*log));
}

Result<std::unique_ptr<EventLog>> Medium::open_log(const Layout& layout) {
  auto log = Log::open(layout, Log::Mode::Write);
  if (!log) return log.error();
  return std::unique_ptr<EventLog>(std::move(*log));
}

void Medium::remove_log(const Layout& layout) {
  std::error_code ec;
  std::filesystem::remove_all(layout.log(), ec);
}

Medium& on_disk() {
  static Medium medium;
  return medium;
}

}  // namespace rollcall::store::inline log
