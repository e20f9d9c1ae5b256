// Files that must survive a crash: written aside, synced, renamed, and the folder synced.
#pragma once

#include "store/bytes.h"
#include "store/errc.h"

#include <filesystem>
#include <utility>

namespace rollcall::store {

enum class Secret { No, Yes };  ///< a secret is readable by its owner alone

/// Whether something is there. What cannot be asked counts as absent: reading it says why.
[[nodiscard]] bool present(const std::filesystem::path& path);
[[nodiscard]] Result<std::string> read_file(const std::filesystem::path& path);
/// Atomic and durable: after success the new content is there whatever happens; after failure the
/// old, and nothing half-written beside it.
[[nodiscard]] Result<void> replace_file(const std::filesystem::path& path, std::string_view content,
                                        Secret secret = Secret::No);
[[nodiscard]] Result<void> sync_directory(const std::filesystem::path& directory);
[[nodiscard]] Result<void> make_directories(const std::filesystem::path& directory,
                                            Secret secret = Secret::No);

/// Held while it lives; the system lets go of it when the process dies.
class FileLock {
 public:
  /// Nothing when another process holds it.
  static Result<std::optional<FileLock>> try_lock(const std::filesystem::path& path);
  /// Waits for it, for ten seconds at the longest.
  static Result<FileLock> wait(const std::filesystem::path& path);
  /// Whether another process holds it; takes nothing, so a reader never stands in a writer's way.
  static bool held(const std::filesystem::path& path);
  FileLock(FileLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileLock& operator=(FileLock&&) = delete;
  ~FileLock();

 private:
  explicit FileLock(int fd) : fd_(fd) {}
  int fd_;
};

/// A text of lines with a last line that is its sum, so that a flipped byte is found.
[[nodiscard]] std::string with_sum(std::string text);
/// The text without that line; nothing where the sum is there and does not fit. A text without a
/// sum is of an earlier version, or edited by hand, and passes as it is.
[[nodiscard]] std::optional<std::string> without_sum(const std::string& text);

}  // namespace rollcall::store
