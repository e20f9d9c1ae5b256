// Snapshots: the state at a seq in a file, so that a start or a question about the past folds only
// the events after it.
//
// Why this file exists: folding a log takes time that grows with its history. A snapshot is only a
// shortcut: deletable at any time, never evidence (verify and replay fold the log itself), and used
// only if its root fits the log. It holds numbers and times, no names and no texts.
//
// The file, snapshots/<seq, 20 digits>, integers big-endian:
//   "rcsnap02" · reducer u32 · pages u32 · seq u64 · at i64 · sessions u64 · users u64
//   · root of the log's first seq leaves 32 B · state digest 32 B
//   · ledger u32 length and bytes · census u64 length and bytes
//   · shown u64 length and bytes (ShownOfHiders; not in "rcsnap01", which versions before 0.6
//   wrote) · pages, each u32 length and the canonical bytes of engine::write_page · SHA-256 of all
//   before
#pragma once

#include "store/log/census.h"
#include "store/log/history.h"
#include "store/log/layout.h"

#include <functional>
#include <vector>

namespace rollcall::store::inline log {

/// Everything known about a log at a seq (fold.state.seq) without reading further.
struct Snapshot {
  Fold fold;
  Census census;
  /// Whether fold.shown covers every invisible user: an old file does not, if anybody had a
  /// status.
  bool knows_shown = true;
};

struct SnapshotInfo {
  std::filesystem::path path;
  Seq seq = 0;
  engine::Micros at = 0;
  std::uint32_t reducer = 0;
  std::uint64_t users = 0, bytes = 0;
  Hash root{};    ///< of the log's first `seq` events
  Hash digest{};  ///< of the state, as a StateDigest after `seq` would say it
};

/// The existing files, newest first; files that are not snapshots are left out.
[[nodiscard]] std::vector<SnapshotInfo> list_snapshots(const Layout& layout);
/// One file, whole and checked against the log; an error says what is wrong with it.
[[nodiscard]] Result<Snapshot> read_snapshot(const SnapshotInfo& info, const EventLog& log);
/// Bytes of a file. Total: an error for any that write_snapshot() did not make.
[[nodiscard]] Result<Snapshot> parse_snapshot(ByteView bytes);
/// The newest at or before `upto` that fits the log; that of an empty log if there is none. Ignores
/// damaged ones: the log has everything.
[[nodiscard]] Snapshot nearest_snapshot(const Layout& layout, const EventLog& log, Seq upto);
/// The same for callers that need fold.shown, too.
[[nodiscard]] Snapshot nearest_whole_snapshot(const Layout& layout, const EventLog& log, Seq upto);
/// Written aside, synced, renamed.
[[nodiscard]] Result<SnapshotInfo> write_snapshot(const Layout& layout, const EventLog& log,
                                                  const Snapshot& snapshot);
inline constexpr std::size_t kSnapshotsKept = 3;
/// Folds from the nearest one to the log's end and writes that; keeps the newest `keep` files.
[[nodiscard]] Result<SnapshotInfo> make_snapshot(
    const Layout& layout, const EventLog& log, std::size_t keep,
    const std::function<void(std::uint64_t done, std::uint64_t all)>& progress = nullptr);

}  // namespace rollcall::store::inline log
