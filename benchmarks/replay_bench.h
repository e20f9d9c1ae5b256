// What replaying history costs, beside its floors.
#pragma once

#include <string>

namespace rollcall::bench {

/// `replay` into nothing and `whatif` with nothing changed, against a bare RocksDB scan of the
/// log's records and the reduction of headers that are in memory; all in turn, medians of five.
int replay(const std::string& directory);

}  // namespace rollcall::bench
