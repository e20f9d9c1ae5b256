// Files that must survive a crash: written aside, synced, renamed, and the folder synced.
#pragma once

#include "store/bytes/bytes.h"
#include "store/bytes/errc.h"

#include <filesystem>
#include <utility>

namespace rollcall::store::inline bytes {

enum class Secret { No, Yes };  ///< a secret is readable by its owner only

/// Whether something exists. If that cannot be determined, false: reading it then says why.
[[nodiscard]] bool present(const std::filesystem::path& path);
[[nodiscard]] Result<std::string> read_file(const std::filesystem::path& path);
/// Atomic and durable: after success the new content survives a crash; after failure the old one is
/// there, and nothing half-written beside it.
[[nodiscard]] Result<void> replace_file(const std::filesystem::path& path, std::string_view content,
                                        Secret secret = Secret::No);
[[nodiscard]] Result<void> sync_directory(const std::filesystem::path& directory);
[[nodiscard]] Result<void> make_directories(const std::filesystem::path& directory,
                                            Secret secret = Secret::No);

/// Held while the object lives; the system releases it when the process dies.
class FileLock {
 public:
  /// Nothing if another process holds it.
  static Result<std::optional<FileLock>> try_lock(const std::filesystem::path& path);
  /// Waits for it, at most ten seconds.
  static Result<FileLock> wait(const std::filesystem::path& path);
  /// Whether another process holds it. Does not take it, so a reader never blocks a writer.
  static bool held(const std::filesystem::path& path);
  FileLock(FileLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileLock& operator=(FileLock&&) = delete;
  ~FileLock();

 private:
  explicit FileLock(int fd) : fd_(fd) {}
  int fd_;
};

/// Adds a last line with the text's sum, so that a flipped byte is noticed.
[[nodiscard]] std::string with_sum(std::string text);
/// The text without that line; nothing if there is a sum that does not fit. A text without a sum
/// was written by an earlier version, or edited by hand, and is returned as it is.
[[nodiscard]] std::optional<std::string> without_sum(const std::string& text);

}  // namespace rollcall::store::inline bytes
