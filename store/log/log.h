// The log: headers, sealed bodies and the Merkle tree over them, in one RocksDB.
//
// Why this file exists: this is the record. A commit's headers, bodies and completed tree nodes are
// one write batch, synced before it returns; only what is in the log happened. Column families:
//   log   first seq of a record, big-endian → at most 64 headers (store/log/codec.h)
//   body  seq, big-endian → sealed body
//   tree  level u8 ‖ index, big-endian → hash of a complete subtree of 2^level leaves, level ≥ 8;
//         0 ‖ first seq of a record → its leaf marks: the first 8 bytes of each leaf's hash, so
//         that a verifier can say which of 256 events was changed
//   meta  text key → value: format, origin, signed checkpoints, idempotency digests, cursors
#pragma once

#include "engine/event.h"
#include "store/log/codec.h"
#include "store/log/layout.h"
#include "store/tlog/merkle.h"

#include <functional>
#include <memory>

namespace rollcall::store::inline log {

using engine::Header;
using engine::Seq;
using engine::UserNumber;

struct Commit {
  std::vector<Header> headers;                ///< consecutive seqs
  std::vector<std::pair<Seq, Bytes>> bodies;  ///< sealed
  std::vector<std::pair<std::string, std::string>> meta;
  std::vector<std::string> meta_gone;  ///< keys deleted, before `meta` is written
};

enum class Durable { Yes, No };   ///< No: for benchmarks and imports, which sync at the end
enum class WithTree { Yes, No };  ///< No: only benchmarks/append_bench.cc, for the tree's cost

/// Whether a writer has the log open, or had it when it died: reads may see it change.
[[nodiscard]] bool writer_about(const Layout& layout);

/// Whether there is a mark of a clean close that no close wrote.
[[nodiscard]] bool clean_mark_damaged(const Layout& layout);

class Log {
 public:
  enum class Mode { Write, Read, Follow };

  /// Creates an empty log. The caller holds the writer's lock.
  static Result<std::unique_ptr<Log>> create(const Layout& layout, std::string_view origin);
  /// Write: recovers, after refusing damage inside acknowledged history. Read: works while another
  /// process writes (as a RocksDB secondary) and sees what was durable at opening. Follow: always
  /// as a secondary, so that catch_up() can continue.
  static Result<std::unique_ptr<Log>> open(const Layout& layout, Mode mode);
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  /// Follow only: reads what was appended since; last() moves.
  Result<void> catch_up();

  [[nodiscard]] bool writable() const;
  /// A write failed: the next opening finds out what is on disk. Nothing more is written through
  /// this object.
  [[nodiscard]] bool failed() const;
  [[nodiscard]] Seq last() const;  ///< 0 for an empty log
  [[nodiscard]] std::string origin() const;

  Result<void> append(const Commit& commit, Durable durable = Durable::Yes,
                      WithTree tree = WithTree::Yes);
  Result<void> sync();

  /// Visits headers from..to (inclusive) in order; the leaf is the bytes that the tree hashes.
  /// The visitor returns false to stop. An error names the seq where reading failed.
  using Visitor = std::function<bool(const Header&, ByteView leaf)>;
  Result<void> scan(Seq from, Seq to, const Visitor& visit) const;
  /// The same, newest first.
  Result<void> scan_back(Seq from, Seq to, const Visitor& visit) const;
  Result<std::optional<Header>> header(Seq seq) const;
  Result<std::optional<Bytes>> leaf(Seq seq) const;

  Result<std::optional<Bytes>> body(Seq seq) const;
  /// Visits stored bodies from..to in order.
  Result<void> scan_bodies(Seq from, Seq to, const std::function<bool(Seq, ByteView)>& visit) const;
  /// Removes bodies for good: deletes and compacts their range. For removal in bounded batches.
  Result<void> drop_bodies(std::span<const Seq> seqs);
  Result<void> compact_bodies();

  /// Hashes of complete subtrees: stored ones from the tree family, lower ones from the headers.
  [[nodiscard]] merkle::NodeSource nodes() const;
  /// Only hashes stored in the tree family; nullopt if absent.
  Result<std::optional<Hash>> stored_node(merkle::NodeId id) const;
  /// The leaf marks of from..to, in order; 0 if none is stored.
  Result<std::vector<std::uint64_t>> leaf_marks(Seq from, Seq to) const;
  /// The root of the first `size` events.
  Result<Hash> root_at(std::uint64_t size) const;
  [[nodiscard]] Hash root() const;  ///< of the whole log; writers only

  Result<std::optional<std::string>> meta(std::string_view key) const;
  Result<void> put_meta(std::string_view key, std::string_view value);
  Result<void> delete_meta(std::string_view key);
  /// Entries whose key starts with `prefix`, in key order.
  Result<std::vector<std::pair<std::string, std::string>>> scan_meta(std::string_view prefix) const;
  /// The same from the key `from` on, at most `most` entries.
  Result<std::vector<std::pair<std::string, std::string>>> scan_meta(std::string_view prefix,
                                                                     std::string_view from,
                                                                     std::size_t most) const;

  /// The last of them, found without reading the others.
  Result<std::optional<std::pair<std::string, std::string>>> last_meta(
      std::string_view prefix) const;

  /// First seq at or after a time: the smallest seq with at >= t, or last()+1.
  Result<Seq> seq_at(engine::Micros t) const;

  /// A copy of everything, for backups: a RocksDB checkpoint (hard links) if this log is open for
  /// writing; otherwise a new database, written from what was durable at opening.
  Result<void> copy_to(const std::filesystem::path& directory) const;
  /// Raw access for tests that damage a value: family log|body|tree|meta.
  Result<void> overwrite_for_test(std::string_view family, std::string_view key,
                                  std::string_view value);
  Result<std::vector<std::pair<std::string, std::string>>> dump_for_test(
      std::string_view family) const;

 private:
  struct Impl;
  static Result<std::unique_ptr<Log>> open_once(const Layout& layout, Mode mode);
  explicit Log(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace rollcall::store::inline log
