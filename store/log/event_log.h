// The log's port: what everything above it knows of the record of events.
//
// Why this file exists: the writer, the fold, proofs and readers need an order of commits that are
// whole or absent, and need not know where those lie. Three implementations: store::Log (RocksDB),
// MemoryLog (tests and what is thrown away), FaultyLog (fails as disks do). What only RocksDB has,
// like checkpoints, secondaries and probing at the opening, stays with store::Log. Nothing here is
// called once per event but the visitors of scans.
#pragma once

#include "engine/event.h"
#include "store/bytes/errc.h"
#include "store/tlog/merkle.h"

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

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

/// What became of a commit.
enum class Fate : std::uint8_t {
  Durable,  ///< all of it is in the log and stays (with Durable::No: from the next sync on)
  Refused,  ///< nothing of it is in the log, nor ever will be
  Unknown,  ///< all of it or nothing: the log has failed(), and opening it anew tells
};

/// A fate, with the reason if it is not Durable. Used like a Result<void>.
class [[nodiscard]] Appended {
 public:
  static Appended durable() { return {Fate::Durable, {}}; }
  static Appended refused(Error why) { return {Fate::Refused, std::move(why)}; }
  static Appended unknown(Error why) { return {Fate::Unknown, std::move(why)}; }

  [[nodiscard]] Fate fate() const { return fate_; }
  explicit operator bool() const { return fate_ == Fate::Durable; }
  [[nodiscard]] const Error& error() const { return why_; }
  [[nodiscard]] Result<void> result() const {
    if (fate_ == Fate::Durable) return {};
    return why_;
  }
  void value() const { result().value(); }

 private:
  Appended(Fate fate, Error why) : fate_(fate), why_(std::move(why)) {}
  Fate fate_;
  Error why_;
};

/// One thread appends; any number read beside it what was appended before they began.
class EventLog {
 public:
  EventLog() = default;
  virtual ~EventLog() = default;
  EventLog(const EventLog&) = delete;
  EventLog& operator=(const EventLog&) = delete;

  /// Headers, bodies, meta and the tree's completed nodes, together or not at all.
  virtual Appended append(const Commit& commit, Durable durable = Durable::Yes,
                          WithTree tree = WithTree::Yes) = 0;
  /// Everything appended with Durable::No is durable on return.
  virtual Result<void> sync() = 0;
  /// A write failed: the next opening finds out what is there. Nothing more is written through
  /// this object.
  [[nodiscard]] virtual bool failed() const = 0;
  /// Whether this object is the log's one writer.
  [[nodiscard]] virtual bool writable() const = 0;
  [[nodiscard]] virtual Seq last() const = 0;  ///< 0 for an empty log

  /// Visits headers from..to (inclusive) in order; the leaf is the bytes that the tree hashes.
  /// The visitor returns false to stop. An error names the seq where reading failed.
  using Visitor = std::function<bool(const Header&, ByteView leaf)>;
  virtual Result<void> scan(Seq from, Seq to, const Visitor& visit) const = 0;
  /// The same, newest first.
  virtual Result<void> scan_back(Seq from, Seq to, const Visitor& visit) const = 0;
  [[nodiscard]] Result<std::optional<Header>> header(Seq seq) const;
  [[nodiscard]] Result<std::optional<Bytes>> leaf(Seq seq) const;

  [[nodiscard]] virtual Result<std::optional<Bytes>> body(Seq seq) const = 0;
  /// Visits stored bodies from..to in order.
  using BodyVisitor = std::function<bool(Seq, ByteView)>;
  virtual Result<void> scan_bodies(Seq from, Seq to, const BodyVisitor& visit) const = 0;
  /// Removes bodies, durably. Of RocksDB's files they are gone after compact_bodies(). For removal
  /// in bounded batches.
  virtual Result<void> drop_bodies(std::span<const Seq> seqs) = 0;
  virtual Result<void> compact_bodies() = 0;

  /// Smallest subtrees whose hashes are stored; the hashes of lower ones come from the headers.
  static constexpr std::uint32_t kStoredLevel = 8;
  /// Hashes of complete subtrees.
  [[nodiscard]] merkle::NodeSource nodes() const;
  /// Only stored hashes; nullopt if absent.
  [[nodiscard]] virtual Result<std::optional<Hash>> stored_node(merkle::NodeId id) const = 0;
  /// The leaf marks of from..to, in order; 0 if none is stored.
  [[nodiscard]] virtual Result<std::vector<std::uint64_t>> leaf_marks(Seq from, Seq to) const = 0;
  /// The root of the first `size` events.
  [[nodiscard]] Result<Hash> root_at(std::uint64_t size) const;
  [[nodiscard]] virtual Hash root() const = 0;  ///< of the whole log; writers only

  [[nodiscard]] virtual Result<std::optional<std::string>> meta(std::string_view key) const = 0;
  Result<void> put_meta(std::string_view key, std::string_view value);
  Result<void> delete_meta(std::string_view key);
  /// Entries whose key starts with `prefix`, in key order, from the key `from` on, at most `most`.
  using MetaEntries = std::vector<std::pair<std::string, std::string>>;
  [[nodiscard]] virtual Result<MetaEntries> scan_meta(std::string_view prefix,
                                                      std::string_view from,
                                                      std::size_t most) const = 0;
  [[nodiscard]] Result<MetaEntries> scan_meta(std::string_view prefix) const;
  /// The last of them, found without reading the others.
  [[nodiscard]] virtual Result<std::optional<std::pair<std::string, std::string>>> last_meta(
      std::string_view prefix) const = 0;
  [[nodiscard]] std::string origin() const;

  /// First seq at or after a time: the smallest seq with at >= t, or last()+1.
  [[nodiscard]] Result<Seq> seq_at(engine::Micros t) const;

 protected:
  /// What every implementation refuses: seqs that do not follow the log's last.
  [[nodiscard]] static std::optional<Error> gap_in(const Commit& commit, Seq last);
  /// Where the nodes that a commit completes go, and the leaf marks of its records.
  struct TreeSink {
    std::function<void(merkle::NodeId, const Hash&)> node;
    std::function<void(Seq first, ByteView marks)> marks;
  };
  /// Adds a commit's leaves to the tree.
  static void grow(merkle::CompactRange& range, const Commit& commit, std::span<const Hash> leaves,
                   const TreeSink& sink);
  [[nodiscard]] static std::vector<Hash> leaf_hashes(std::span<const Header> headers);
};

}  // namespace rollcall::store::inline log
