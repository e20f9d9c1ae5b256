// Snapshots, backups, tiles.
#include "replay/question/copies.h"

#include "replay/question/verify.h"
#include "store/backup.h"
#include "store/bytes/crypto.h"
#include "store/log/event_clock.h"
#include "store/log/snapshot.h"
#include "store/log/state_digest.h"
#include "store/log/tiles.h"

#include <algorithm>

namespace rollcall::replay::inline question {
namespace {

using store::SnapshotInfo;

SnapshotRow row_of(const SnapshotInfo& info) {
  return {info.seq, {info.at}, info.users, info.bytes, info.reducer, store::hex(info.digest)};
}

/// Those with the seq that is named; all if none is.
Result<std::vector<SnapshotInfo>> chosen(const store::Layout& layout,
                                         const std::optional<std::uint64_t>& seq) {
  auto all = store::list_snapshots(layout);
  if (!seq) return all;
  std::erase_if(all, [&](const SnapshotInfo& info) { return info.seq != *seq; });
  if (all.empty()) return Error{Errc::NotFound, fmt::format("there is no snapshot at {}", *seq)};
  return all;
}

Result<void> check_folder(const std::string& folder) {
  RC_TRY(check_text("folder", folder));
  if (!folder.starts_with('/'))
    return Error{Errc::BadInput, "folder is a folder from the root: /…"};
  return {};
}

/// Every header of a copy against what was signed.
Result<void> check_copy(const store::Layout& copy, const store::BackupInfo& info) {
  VerifyOptions options;
  options.full = true;
  options.bodies = false;
  const auto report = verify_store(copy, options);
  if (report.size != info.size)
    return Error{Errc::Tampered, fmt::format("the backup was made at size {} and holds {}",
                                             info.size, report.size)};
  for (const auto& finding : report.findings)
    if (finding.verdict == Verdict::Tampered)
      return Error{Errc::Tampered, "the copy does not verify: " + finding.text};
  return {};
}

}  // namespace

Result<NoSummary> answer(const Desk& desk, const SnapshotsQuestion&,
                         const RowSink<SnapshotRow>& row) {
  for (const auto& info : store::list_snapshots(desk.layout))
    if (!row(row_of(info))) break;
  return NoSummary{};
}

Result<void> check(const SnapshotCreation& q) {
  if (q.keep && *q.keep == 0) return Error{Errc::BadInput, "keep is a number from 1 on"};
  return {};
}

Result<NoSummary> answer(const Desk& desk, const SnapshotCreation& q,
                         const RowSink<SnapshotRow>& row) {
  const auto log = store::Log::open(desk.layout, store::Log::Mode::Read);
  if (!log) return log.error();
  const auto keep = static_cast<std::size_t>(q.keep.value_or(store::kSnapshotsKept));
  const auto made = store::make_snapshot(desk.layout, **log, keep, desk.progress);
  if (!made) return made.error();
  (void)row(row_of(*made));
  return NoSummary{};
}

Result<SnapshotVerification::Summary> answer(const Desk& desk, const SnapshotVerification& q,
                                             const RowSink<SnapshotVerification::Row>& row) {
  const auto log = store::Log::open(desk.layout, store::Log::Mode::Read);
  if (!log) return log.error();
  auto all = chosen(desk.layout, q.seq);
  if (!all) return all.error();
  std::reverse(all->begin(), all->end());
  store::Fold fold;
  SnapshotVerification::Summary out;
  for (const auto& info : *all) {
    const auto kept = store::read_snapshot(info, **log);
    SnapshotVerification::Row r{info.seq, std::nullopt};
    Errc worse = Errc::Diverged;
    if (kept) {
      RC_TRY(fold.advance(**log, info.seq, [&](const Header& h, auto, auto, auto) {
        constexpr Seq kEvery = 65'536;
        if (h.seq % kEvery == 0) desk.progress(h.seq, all->back().seq);
      }));
      const bool same = store::digest_of(fold.state) == info.digest &&
                        store::digest_of(kept->fold.state) == info.digest;
      if (!same) r.fault = "DIVERGED: the log gives another state";
    } else {
      r.fault = kept.error().detail;
      worse = kept.error().code;
    }
    const auto code = static_cast<std::uint64_t>(store::exit_code(worse));
    if (r.fault && (out.exit == 0 || worse == Errc::Diverged)) out.exit = code;
    if (!row(r)) break;
  }
  return out;
}

Result<void> check(const SnapshotRemoval& q) {
  if (q.seq.has_value() == q.all.value_or(false))
    return Error{Errc::BadInput, "say which: seq, or all"};
  return {};
}

Result<NoSummary> answer(const Desk& desk, const SnapshotRemoval& q,
                         const RowSink<SnapshotRemoval::Row>& row) {
  const auto all = chosen(desk.layout, q.seq);
  if (!all) return all.error();
  for (const auto& info : *all) {
    std::error_code failed;
    std::filesystem::remove(info.path, failed);
    if (failed)
      return Error{Errc::Io, fmt::format("the snapshot at {} cannot be removed: {}", info.seq,
                                         failed.message())};
    if (!row({info.seq})) break;
  }
  return NoSummary{};
}

Result<void> check(const BackupsQuestion& q) { return check_folder(q.folder); }
Result<void> check(const BackupVerification& q) { return check_folder(q.folder); }
Result<void> check(const BackupPruning& q) { return check_folder(q.folder); }

Result<void> check(const BackupCreation& q) {
  RC_TRY(check_folder(q.folder));
  if (q.vault) RC_TRY(check_folder(*q.vault));
  if (!q.name) return {};
  RC_TRY(check_text("name", *q.name, 100));
  const bool plain =
      q.name->front() != '.' && q.name->front() != '-' && q.name->find('/') == std::string::npos;
  if (!plain) return Error{Errc::BadInput, "name is the name of a folder, without a slash"};
  return {};
}

Result<NoSummary> answer(const Desk&, const BackupsQuestion& q, const RowSink<BackupRow>& row) {
  const auto all = store::list_backups(q.folder);
  if (!all) return all.error();
  for (const auto& info : *all)
    if (!row({info.name, info.taken_at, info.app, info.size, info.origin})) break;
  return NoSummary{};
}

Result<BackupCreation::Summary> answer(const Desk& desk, const BackupCreation& q,
                                       const RowSink<NoRow>&) {
  const std::string now = rfc3339(desk.now);
  std::string name = q.name.value_or("");
  if (!q.name)
    for (const char c : now) name += c == ':' ? '-' : c;
  const store::BackupRequest request{q.folder, name, now, q.vault.value_or(""), check_copy};
  // Beside a busy writer a copy may be cut through a moment when files change places: it is made
  // again. What is damaged in the store itself is still damaged then, and is reported.
  constexpr int kTries = 3;
  auto made = store::create_backup(desk.layout, request);
  for (int i = 1; i < kTries && !made && made.error().code == Errc::Tampered; ++i)
    made = store::create_backup(desk.layout, request);
  if (!made) return made.error();
  return BackupCreation::Summary{made->path.string(), made->size};
}

Result<BackupVerification::Summary> answer(const Desk& desk, const BackupVerification& q,
                                           const RowSink<BackupVerification::Row>& row) {
  const auto info = store::read_backup(q.folder);
  if (!info) return info.error();
  VerifyOptions options;
  options.full = true;
  options.bodies = false;
  options.progress = desk.progress;
  const auto report = verify_store(store::layout_of(*info), options);
  for (const auto& finding : report.findings)
    if (!row({finding.text})) break;
  return BackupVerification::Summary{std::string(name_of(report.verdict())), report.size,
                                     info->size};
}

Result<NoSummary> answer(const Desk&, const BackupPruning& q,
                         const RowSink<BackupPruning::Row>& row) {
  constexpr std::uint64_t kKept = 7;
  const auto gone = store::prune_backups(q.folder, static_cast<std::size_t>(q.keep.value_or(kKept)),
                                         q.dry_run.value_or(false));
  if (!gone) return gone.error();
  for (const auto& name : *gone)
    if (!row({name})) break;
  return NoSummary{};
}

Result<TilesQuestion::Summary> answer(const Desk& desk, const TilesQuestion&,
                                      const RowSink<BundleFile>& row) {
  const auto newest = store::newest_checkpoint(desk.reader->log(), desk.layout);
  if (!newest) return newest.error();
  if (!newest->newest)
    return Error{Errc::Incomplete, "nothing was ever signed: `rollcall checkpoint sign` signs"};
  const auto put = [&](const std::string& path, store::ByteView content) -> Result<void> {
    if (row({path, store::base64(content)})) return {};
    return Error{Errc::Io, "nobody wants the files any more"};
  };
  const auto files = store::export_tiles(desk.reader->log(), *newest->newest, put, desk.progress);
  if (!files) return files.error();
  return TilesQuestion::Summary{*files, newest->newest->checkpoint.size};
}

}  // namespace rollcall::replay::inline question
