// A long scan whose reading is on a thread of its own.
//
// Why this file exists: half of a replay is RocksDB's reading and decompressing, the other half is
// the reducer, and neither needs the other but for the headers it hands over.
#pragma once

#include "store/log/event_log.h"

namespace rollcall::store::inline log {

/// Hands the headers from..to (inclusive) to `visit` in order, a piece of them at a time, on the
/// caller's thread, while the next pieces are read. What is short is read on the caller's thread.
/// `visit` returns false to stop. An error names the seq where reading failed; everything before it
/// was visited. A system that gives no thread is no error.
[[nodiscard]] Result<void> scan_ahead(const EventLog& log, Seq from, Seq to,
                                      const std::function<bool(std::span<const Header>)>& visit);

}  // namespace rollcall::store::inline log
