// The list of the numbers of erased users, for ever: beside the log and beside backups.
//
// Why this file exists: forgetting adds to the list and a restored backup obeys it, so it is of
// neither.
#pragma once

#include "store/bytes/files.h"
#include "store/log/census.h"

#include <filesystem>
#include <set>

namespace rollcall::store {

/// Empty where there is no list; Errc::Incomplete where it is damaged.
[[nodiscard]] Result<std::set<UserNumber>> read_erasures(const std::filesystem::path& file);
[[nodiscard]] Result<void> write_erasures(const std::filesystem::path& file,
                                          const std::set<UserNumber>& numbers,
                                          Files& files = disk_files());

}  // namespace rollcall::store
