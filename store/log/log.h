// The log in RocksDB: headers, sealed bodies and the Merkle tree over them, in one database.
//
// Why this file exists: this is the record, as store/log/event_log.h promises it. A commit's
// headers, bodies and completed tree nodes are one write batch, synced before it returns; only what
// is in the log happened. Column families:
//   log   first seq of a record, big-endian → at most 64 headers (store/log/codec.h)
//   body  seq, big-endian → sealed body
//   tree  level u8 ‖ index, big-endian → hash of a complete subtree of 2^level leaves, level ≥ 8;
//         0 ‖ first seq of a record → its leaf marks: the first 8 bytes of each leaf's hash, so
//         that a verifier can say which of 256 events was changed
//   meta  text key → value: format, origin, signed checkpoints, idempotency digests, cursors
#pragma once

#include "store/log/codec.h"
#include "store/log/event_log.h"
#include "store/log/layout.h"

#include <memory>

namespace rollcall::store::inline log {

/// Whether a writer has the log open, or had it when it died: reads may see it change.
[[nodiscard]] bool writer_about(const Layout& layout);

/// Whether there is a mark of a clean close that no close wrote.
[[nodiscard]] bool clean_mark_damaged(const Layout& layout);

class Log final : public EventLog {
 public:
  enum class Mode { Write, Read, Follow };

  /// Creates an empty log. The caller holds the writer's lock.
  static Result<std::unique_ptr<Log>> create(const Layout& layout, std::string_view origin);
  /// Write: recovers, after refusing damage inside acknowledged history. Read: works while another
  /// process writes (as a RocksDB secondary) and sees what was durable at opening. Follow: always
  /// as a secondary, so that catch_up() can continue.
  static Result<std::unique_ptr<Log>> open(const Layout& layout, Mode mode);
  ~Log() override;

  /// Follow only: reads what was appended since; last() moves.
  Result<void> catch_up();

  [[nodiscard]] bool writable() const override;
  [[nodiscard]] bool failed() const override;
  [[nodiscard]] Seq last() const override;

  Appended append(const Commit& commit, Durable durable = Durable::Yes,
                  WithTree tree = WithTree::Yes) override;
  Result<void> sync() override;

  Result<void> scan(Seq from, Seq to, const Visitor& visit) const override;
  Result<void> scan_back(Seq from, Seq to, const Visitor& visit) const override;
  [[nodiscard]] Result<std::optional<Bytes>> body(Seq seq) const override;
  Result<void> scan_bodies(Seq from, Seq to, const BodyVisitor& visit) const override;
  Result<void> drop_bodies(std::span<const Seq> seqs) override;
  Result<void> compact_bodies() override;

  [[nodiscard]] Result<std::optional<Hash>> stored_node(merkle::NodeId id) const override;
  [[nodiscard]] Result<std::vector<std::uint64_t>> leaf_marks(Seq from, Seq to) const override;
  [[nodiscard]] Hash root() const override;

  using EventLog::scan_meta;
  [[nodiscard]] Result<std::optional<std::string>> meta(std::string_view key) const override;
  [[nodiscard]] Result<MetaEntries> scan_meta(std::string_view prefix, std::string_view from,
                                              std::size_t most) const override;
  [[nodiscard]] Result<std::optional<std::pair<std::string, std::string>>> last_meta(
      std::string_view prefix) const override;

  /// A copy of everything, for backups: a RocksDB checkpoint (hard links) if this log is open for
  /// writing; otherwise a new database, written from what was durable at opening.
  Result<void> copy_to(const std::filesystem::path& directory) const;

 private:
  struct Impl;
  static Result<std::unique_ptr<Log>> open_once(const Layout& layout, Mode mode);
  explicit Log(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace rollcall::store::inline log
