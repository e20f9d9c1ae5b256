// Files that must survive a crash: written aside, synced, renamed, and the folder synced.
//
// Files is the port through which the vault writes: the file system, or one that fails
// (store/bytes/faulty_files.h). What is only read is read past it.
#pragma once

#include "store/bytes/bytes.h"
#include "store/bytes/errc.h"

#include <filesystem>
#include <memory>
#include <utility>

namespace rollcall::store::inline bytes {

enum class Secret { No, Yes };  ///< a secret is readable by its owner only

/// Whether something exists. If that cannot be determined, false: reading it then says why.
[[nodiscard]] bool present(const std::filesystem::path& path);
[[nodiscard]] Result<std::string> read_file(const std::filesystem::path& path);
/// A file that is open for reading and writing, under whatever name it has by now.
class File {
 public:
  File() = default;
  virtual ~File() = default;
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  [[nodiscard]] virtual Result<std::uint64_t> size() const = 0;
  /// Exactly so many bytes; an error if the file ends before.
  [[nodiscard]] virtual Result<Bytes> read_at(std::uint64_t offset, std::size_t size) const = 0;
  [[nodiscard]] virtual Result<void> write_at(std::uint64_t offset, ByteView bytes) = 0;
  /// Cut, or filled up with zeroes.
  [[nodiscard]] virtual Result<void> resize(std::uint64_t size) = 0;
  /// Content and size are durable on return. (The name: Files::sync_directory.)
  [[nodiscard]] virtual Result<void> sync() = 0;
};

class Files {
 public:
  Files() = default;
  virtual ~Files() = default;
  Files(const Files&) = delete;
  Files& operator=(const Files&) = delete;

  /// One that is there.
  [[nodiscard]] virtual Result<std::unique_ptr<File>> open(const std::filesystem::path& path) = 0;
  /// An empty one, whatever was there.
  [[nodiscard]] virtual Result<std::unique_ptr<File>> create(const std::filesystem::path& path,
                                                             Secret secret) = 0;
  [[nodiscard]] virtual Result<void> rename(const std::filesystem::path& from,
                                            const std::filesystem::path& to) = 0;
  /// A second name for a file; some disks know none.
  [[nodiscard]] virtual Result<void> link(const std::filesystem::path& file,
                                          const std::filesystem::path& name) = 0;
  /// If it is there.
  [[nodiscard]] virtual Result<void> remove(const std::filesystem::path& path) = 0;
  /// What was created, renamed, linked and removed in it is durable on return.
  [[nodiscard]] virtual Result<void> sync_directory(const std::filesystem::path& directory) = 0;

  /// Atomic and durable: after success the new content survives a crash; after failure the old one
  /// is there, and nothing half-written beside it.
  [[nodiscard]] Result<void> replace(const std::filesystem::path& path, std::string_view content,
                                     Secret secret = Secret::No);
  /// Zeroes in place of all its bytes, durable on return; nothing to do if it is not there.
  [[nodiscard]] Result<void> blank(const std::filesystem::path& path);
};

/// The file system.
[[nodiscard]] Files& disk_files();

/// disk_files().replace().
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
