// What a question about one person costs.
#pragma once

#include <cstdint>
#include <string>

namespace rollcall::bench {

/// `program audit -u NAME -n 5` for names among the newest 10,000 users of the store, whole
/// processes; beside them `self floor DIR`, in turn. And opening the vault, inside this process.
int vault(const std::string& self, const std::string& directory, const std::string& program);
/// The floor: RocksDB opened read-only, sixteen records of the log read, nothing else.
int floor(const std::string& directory);

}  // namespace rollcall::bench
