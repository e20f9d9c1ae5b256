// What the two halves of the log share: RocksDB's handles and how keys and errors are written.
// Included by log.cc (reading and appending) and log_open.cc (making, opening, recovering) alone.
#pragma once

#include "store/bytes/files.h"
#include "store/log/log.h"

#include <fmt/format.h>
#include <rocksdb/db.h>

#include <atomic>

namespace rollcall::store::inline log {

using rocksdb::ColumnFamilyHandle;
using rocksdb::Slice;

inline Slice slice(ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
inline Slice slice(std::string_view text) { return {text.data(), text.size()}; }
inline ByteView view(const Slice& s) {
  return {reinterpret_cast<const std::uint8_t*>(s.data()), s.size()};
}

inline Bytes seq_key(Seq seq) {
  Bytes key;
  put_be64(key, seq);
  return key;
}

inline Bytes node_key(merkle::NodeId id) {
  Bytes key{static_cast<std::uint8_t>(id.level)};
  put_be64(key, id.index);
  return key;
}

inline Error translate(const rocksdb::Status& status, std::string_view doing) {
  Errc code = Errc::Io;
  if (status.IsCorruption()) code = Errc::Incomplete;
  if (status.IsBusy()) code = Errc::Conflict;
  return {code, fmt::format("{}: {}", doing, status.ToString())};
}

struct Log::Impl {
  Layout layout;
  std::unique_ptr<rocksdb::DB> db;
  std::vector<ColumnFamilyHandle*> handles;
  std::optional<FileLock> lock;
  std::atomic<Seq> last = 0;  ///< readers on other threads look at it while commits go on
  merkle::CompactRange range;
  bool writable = false;
  std::atomic<bool> failed = false;  ///< what is on disk is for the next opening to find out

  /// After a write that failed nothing more may be tried: RocksDB's files do not take it.
  [[nodiscard]] Result<void> sound() const {
    if (failed) return Error{Errc::Io, "an earlier write to the log failed"};
    return {};
  }
  [[nodiscard]] Result<void> wrote(const rocksdb::Status& status, std::string_view doing) {
    if (status.ok()) return {};
    failed = true;
    return translate(status, doing);
  }

  ~Impl() {
    for (ColumnFamilyHandle* handle : handles) db->DestroyColumnFamilyHandle(handle);
    db.reset();  // before the lock is given back
  }

  ColumnFamilyHandle* log() const { return handles[1]; }
  ColumnFamilyHandle* body() const { return handles[2]; }
  ColumnFamilyHandle* tree() const { return handles[3]; }
  ColumnFamilyHandle* meta() const { return handles[4]; }
};

}  // namespace rollcall::store::inline log
