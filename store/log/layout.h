// Paths of a store on disk: DIR/apps/<app id>/…
//
//   log/         RocksDB: headers, bodies, the tree, cursors and signed checkpoints
//   vault/       names and keys; never part of a data backup
//   keys/        signing.key (secret), trusted (public keys of this log, newest first), policy
//   checkpoint   a copy of the newest signed checkpoint, outside the database
//   clean        last seq of a clean close; absent while a writer is open
//   erasures     numbers of forgotten users, for ever; copied beside backups
//   backups      folders that hold backups of this app (`data DIR`) and copies of its vault (`vault
//                DIR`)
//   newest       where each person's newest event lies, as of a clean close; deletable at any time
//   snapshots/   the state at a seq, one file each; deletable at any time
//   restored     this store was restored: the first opening for writing gives it a new origin
//   writer.lock  held by the one writer
#pragma once

#include "store/bytes/errc.h"

#include <filesystem>

namespace rollcall::store::inline log {

struct Layout {
  std::filesystem::path app_dir;
  std::string app;

  [[nodiscard]] std::filesystem::path log() const { return app_dir / "log"; }
  [[nodiscard]] std::filesystem::path vault() const { return app_dir / "vault"; }
  [[nodiscard]] std::filesystem::path keys() const { return app_dir / "keys"; }
  [[nodiscard]] std::filesystem::path signing_key() const { return keys() / "signing.key"; }
  [[nodiscard]] std::filesystem::path trusted() const { return keys() / "trusted"; }
  [[nodiscard]] std::filesystem::path policy() const { return keys() / "policy"; }
  [[nodiscard]] std::filesystem::path checkpoint() const { return app_dir / "checkpoint"; }
  [[nodiscard]] std::filesystem::path clean() const { return app_dir / "clean"; }
  [[nodiscard]] std::filesystem::path erasures() const { return app_dir / "erasures"; }
  [[nodiscard]] std::filesystem::path backups() const { return app_dir / "backups"; }
  [[nodiscard]] std::filesystem::path newest() const { return app_dir / "newest"; }
  [[nodiscard]] std::filesystem::path snapshots() const { return app_dir / "snapshots"; }
  [[nodiscard]] std::filesystem::path restored() const { return app_dir / "restored"; }
  [[nodiscard]] std::filesystem::path writer_lock() const { return app_dir / "writer.lock"; }
};

/// How many events make a snapshot worthwhile.
inline constexpr std::uint64_t kSnapshotEvery = 1'000'000;

/// Whether all three uses of an app's id accept it unescaped: a folder's name, part of a log's
/// origin and a segment of a URL's path.
inline constexpr const char* kAppIdRule =
    "1 to 64 of A-Z, a-z, 0-9, dot, _ and -, the first no dot";
[[nodiscard]] bool valid_app_id(std::string_view app);

/// The layout of `app` under `data`; if `app` is empty, of the only app, or of "main".
[[nodiscard]] Result<Layout> locate(const std::filesystem::path& data, std::string_view app);
[[nodiscard]] bool exists(const Layout& layout);

}  // namespace rollcall::store::inline log
