// snapshot, backup, tiles export: copies of what the store holds, made, listed and checked.
//
// Why this file exists: these read a store as questions do, for long, and some leave files beside
// it. On a server that happens where questions are answered, never in the server itself.
#pragma once

#include "replay/question/bundle_rows.h"
#include "replay/question/question.h"

namespace rollcall::replay::inline question {

struct SnapshotRow {
  std::uint64_t seq = 0;
  Moment at;
  std::uint64_t users = 0, bytes = 0, reducer = 0;
  std::string digest;  ///< of the state, hex
};
BOOST_DESCRIBE_STRUCT(SnapshotRow, (), (seq, at, users, bytes, reducer, digest))

/// Those there are, newest first.
struct SnapshotsQuestion {
  static constexpr Asks kAsks{"snapshot list", false, Opens::Files};
  using Row = SnapshotRow;
  using Summary = NoSummary;
};
BOOST_DESCRIBE_STRUCT(SnapshotsQuestion, (), ())

/// Writes the state at the log's end; one row, what was written.
struct SnapshotCreation {
  std::optional<std::uint64_t> keep;  ///< how many stay, the newest
  static constexpr Asks kAsks{"snapshot create", false, Opens::Files};
  using Row = SnapshotRow;
  using Summary = NoSummary;
};
BOOST_DESCRIBE_STRUCT(SnapshotCreation, (), (keep))

/// Folds the log itself and compares.
struct SnapshotVerification {
  std::optional<std::uint64_t> seq;  ///< only that one
  static constexpr Asks kAsks{"snapshot verify", false, Opens::Files};
  struct Row {
    std::uint64_t seq = 0;
    std::optional<std::string> fault;  ///< none if it is what the log says
  };
  struct Summary {
    std::uint64_t exit = 0;  ///< the worst, as an exit code of the command line
  };
};
BOOST_DESCRIBE_STRUCT(SnapshotVerification, (), (seq))
BOOST_DESCRIBE_STRUCT(SnapshotVerification::Row, (), (seq, fault))
BOOST_DESCRIBE_STRUCT(SnapshotVerification::Summary, (), (exit))

/// Removes one, or all: a row each.
struct SnapshotRemoval {
  std::optional<std::uint64_t> seq;
  std::optional<bool> all;
  static constexpr Asks kAsks{"snapshot rm", false, Opens::Files};
  struct Row {
    std::uint64_t seq = 0;
  };
  using Summary = NoSummary;
};
BOOST_DESCRIBE_STRUCT(SnapshotRemoval, (), (seq, all))
BOOST_DESCRIBE_STRUCT(SnapshotRemoval::Row, (), (seq))

struct BackupRow {
  std::string name, taken_at, app;
  std::uint64_t size = 0;
  std::string origin;
};
BOOST_DESCRIBE_STRUCT(BackupRow, (), (name, taken_at, app, size, origin))

/// The backups in a folder, oldest first.
struct BackupsQuestion {
  std::string folder;  ///< absolute, of the machine that answers
  static constexpr Asks kAsks{"backup list", false, Opens::Files};
  using Row = BackupRow;
  using Summary = NoSummary;
};
BOOST_DESCRIBE_STRUCT(BackupsQuestion, (), (folder))

/// Copies the log while it is written, and checks the copy.
struct BackupCreation {
  std::string folder;
  std::optional<std::string> name;   ///< the time, if none is given
  std::optional<std::string> vault;  ///< another folder, for a copy of the vault
  static constexpr Asks kAsks{"backup create", false, Opens::Files};
  using Row = NoRow;
  struct Summary {
    std::string path;
    std::uint64_t size = 0;
  };
};
BOOST_DESCRIBE_STRUCT(BackupCreation, (), (folder, name, vault))
BOOST_DESCRIBE_STRUCT(BackupCreation::Summary, (), (path, size))

/// Every header of a backup against what was signed.
struct BackupVerification {
  std::string folder;  ///< DIR/NAME
  static constexpr Asks kAsks{"backup verify", false, Opens::Files};
  struct Row {
    std::string finding;
  };
  struct Summary {
    std::string verdict;
    std::uint64_t size = 0;  ///< verified
    std::uint64_t made_at_size = 0;
  };
};
BOOST_DESCRIBE_STRUCT(BackupVerification, (), (folder))
BOOST_DESCRIBE_STRUCT(BackupVerification::Row, (), (finding))
BOOST_DESCRIBE_STRUCT(BackupVerification::Summary, (), (verdict, size, made_at_size))

/// Removes all but the newest: a row each.
struct BackupPruning {
  std::string folder;
  std::optional<std::uint64_t> keep;
  std::optional<bool> dry_run;
  static constexpr Asks kAsks{"backup prune", false, Opens::Files};
  struct Row {
    std::string name;
  };
  using Summary = NoSummary;
};
BOOST_DESCRIBE_STRUCT(BackupPruning, (), (folder, keep, dry_run))
BOOST_DESCRIBE_STRUCT(BackupPruning::Row, (), (name))

/// The log as static files (C2SP tlog-tiles).
struct TilesQuestion {
  static constexpr Asks kAsks{"tiles export", false};
  using Row = BundleFile;
  struct Summary {
    std::uint64_t count = 0, size = 0;  ///< of files; of the log
  };
};
BOOST_DESCRIBE_STRUCT(TilesQuestion, (), ())
BOOST_DESCRIBE_STRUCT(TilesQuestion::Summary, (), (count, size))

[[nodiscard]] Result<void> check(const SnapshotCreation& q);
[[nodiscard]] Result<void> check(const SnapshotRemoval& q);
[[nodiscard]] Result<void> check(const BackupsQuestion& q);
[[nodiscard]] Result<void> check(const BackupCreation& q);
[[nodiscard]] Result<void> check(const BackupVerification& q);
[[nodiscard]] Result<void> check(const BackupPruning& q);

[[nodiscard]] Result<NoSummary> answer(const Desk& desk, const SnapshotsQuestion& q,
                                       const RowSink<SnapshotRow>& row);
[[nodiscard]] Result<NoSummary> answer(const Desk& desk, const SnapshotCreation& q,
                                       const RowSink<SnapshotRow>& row);
[[nodiscard]] Result<SnapshotVerification::Summary> answer(
    const Desk& desk, const SnapshotVerification& q, const RowSink<SnapshotVerification::Row>& row);
[[nodiscard]] Result<NoSummary> answer(const Desk& desk, const SnapshotRemoval& q,
                                       const RowSink<SnapshotRemoval::Row>& row);
[[nodiscard]] Result<NoSummary> answer(const Desk& desk, const BackupsQuestion& q,
                                       const RowSink<BackupRow>& row);
[[nodiscard]] Result<BackupCreation::Summary> answer(const Desk& desk, const BackupCreation& q,
                                                     const RowSink<NoRow>& row);
[[nodiscard]] Result<BackupVerification::Summary> answer(
    const Desk& desk, const BackupVerification& q, const RowSink<BackupVerification::Row>& row);
[[nodiscard]] Result<NoSummary> answer(const Desk& desk, const BackupPruning& q,
                                       const RowSink<BackupPruning::Row>& row);
[[nodiscard]] Result<TilesQuestion::Summary> answer(const Desk& desk, const TilesQuestion& q,
                                                    const RowSink<BundleFile>& row);

}  // namespace rollcall::replay::inline question
