// Durable files and locks over POSIX.
#include "store/bytes/files.h"

#include "store/bytes/crypto.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <sstream>
#include <thread>

namespace rollcall::store::inline bytes {
namespace {

Error system_error(std::string_view what, const std::filesystem::path& path) {
  const int code = errno;
  return {code == ENOENT ? Errc::NotFound : Errc::Io,
          fmt::format("{} {}: {}", what, path.string(), std::strerror(code))};
}

}  // namespace

bool present(const std::filesystem::path& path) {
  std::error_code ec;
  return std::filesystem::exists(path, ec);
}

Result<std::string> read_file(const std::filesystem::path& path) {
  std::error_code ec;
  if (std::filesystem::is_directory(path, ec)) {  // would read as an empty file
    errno = EISDIR;
    return system_error("cannot read", path);
  }
  errno = 0;
  std::ifstream in(path, std::ios::binary);
  if (!in) return system_error("cannot read", path);
  std::ostringstream out;
  out << in.rdbuf();
  if (in.bad()) return system_error("cannot read", path);
  return std::move(out).str();
}

Result<void> make_directories(const std::filesystem::path& directory, Secret secret) {
  std::error_code ec;
  std::filesystem::create_directories(directory, ec);
  if (ec)
    return Error{Errc::Io, fmt::format("cannot make {}: {}", directory.string(), ec.message())};
  if (secret == Secret::Yes) ::chmod(directory.c_str(), 0700);
  return {};
}

namespace {

class DiskFile final : public File {
 public:
  DiskFile(int fd, std::filesystem::path path) : fd_(fd), path_(std::move(path)) {}
  ~DiskFile() override { ::close(fd_); }

  [[nodiscard]] Result<std::uint64_t> size() const override {
    struct stat now {};
    if (::fstat(fd_, &now) != 0) return system_error("cannot read", path_);
    return static_cast<std::uint64_t>(now.st_size);
  }

  [[nodiscard]] Result<Bytes> read_at(std::uint64_t offset, std::size_t size) const override {
    Bytes out(size);
    std::size_t done = 0;
    while (done < size) {
      const ssize_t n =
          ::pread(fd_, out.data() + done, size - done, static_cast<off_t>(offset + done));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return system_error("cannot read", path_);
      if (n == 0)
        return Error{Errc::Incomplete, fmt::format("{}: shorter than it was", path_.string())};
      done += static_cast<std::size_t>(n);
    }
    return out;
  }

  [[nodiscard]] Result<void> write_at(std::uint64_t offset, ByteView bytes) override {
    while (!bytes.empty()) {
      const ssize_t n = ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return system_error("cannot write", path_);
      bytes = bytes.subspan(static_cast<std::size_t>(n));
      offset += static_cast<std::uint64_t>(n);
    }
    return {};
  }

  [[nodiscard]] Result<void> resize(std::uint64_t size) override {
    if (::ftruncate(fd_, static_cast<off_t>(size)) != 0) return system_error("cannot write", path_);
    return {};
  }

  [[nodiscard]] Result<void> sync() override {
    if (::fsync(fd_) != 0) return system_error("cannot sync", path_);
    return {};
  }

 private:
  int fd_;
  std::filesystem::path path_;
};

class DiskFiles final : public Files {
 public:
  [[nodiscard]] Result<std::unique_ptr<File>> open(const std::filesystem::path& path) override {
    const int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
    if (fd < 0) return system_error("cannot open", path);
    return std::unique_ptr<File>(std::make_unique<DiskFile>(fd, path));
  }

  [[nodiscard]] Result<std::unique_ptr<File>> create(const std::filesystem::path& path,
                                                     Secret secret) override {
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC,
                          secret == Secret::Yes ? 0600 : 0644);
    if (fd < 0) return system_error("cannot write", path);
    return std::unique_ptr<File>(std::make_unique<DiskFile>(fd, path));
  }

  [[nodiscard]] Result<void> rename(const std::filesystem::path& from,
                                    const std::filesystem::path& to) override {
    if (::rename(from.c_str(), to.c_str()) != 0) return system_error("cannot rename", from);
    return {};
  }

  [[nodiscard]] Result<void> link(const std::filesystem::path& file,
                                  const std::filesystem::path& name) override {
    if (::link(file.c_str(), name.c_str()) != 0) return system_error("cannot link", file);
    return {};
  }

  [[nodiscard]] Result<void> remove(const std::filesystem::path& path) override {
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) return system_error("cannot remove", path);
    return {};
  }

  [[nodiscard]] Result<void> sync_directory(const std::filesystem::path& directory) override {
    const int fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return system_error("cannot open", directory);
    const bool synced = ::fsync(fd) == 0;
    const Error unsynced = system_error("cannot sync", directory);
    ::close(fd);
    if (!synced) return unsynced;
    return {};
  }
};

}  // namespace

Files& disk_files() {
  static DiskFiles files;
  return files;
}

Result<void> Files::replace(const std::filesystem::path& path, std::string_view content,
                            Secret secret) {
  const std::filesystem::path aside = path.string() + ".new";
  const auto replaced = [&]() -> Result<void> {
    {
      const auto file = create(aside, secret);
      if (!file) return file.error();
      RC_TRY((*file)->write_at(0, as_bytes(content)));
      RC_TRY((*file)->sync());
    }
    return rename(aside, path);
  }();
  if (!replaced) {  // on a full disk whoever makes room needs what was begun
    (void)remove(aside);
    return replaced;
  }
  return sync_directory(path.parent_path());
}

Result<void> Files::blank(const std::filesystem::path& path) {
  const auto file = open(path);
  if (!file && file.error().code == Errc::NotFound) return {};
  if (!file) return file.error();
  const auto size = (*file)->size();
  if (!size) return size.error();
  const Bytes zeroes(std::size_t{1} << 16, 0);
  for (std::uint64_t at = 0; at < *size; at += zeroes.size()) {
    const auto part = std::min<std::uint64_t>(zeroes.size(), *size - at);
    RC_TRY((*file)->write_at(at, ByteView(zeroes).first(static_cast<std::size_t>(part))));
  }
  return (*file)->sync();
}

Result<void> replace_file(const std::filesystem::path& path, std::string_view content,
                          Secret secret) {
  return disk_files().replace(path, content, secret);
}

Result<void> sync_directory(const std::filesystem::path& directory) {
  return disk_files().sync_directory(directory);
}

namespace {
constexpr std::string_view kSum = "# sha256 ";  // a comment, where a file's format knows them
}

std::string with_sum(std::string text) {
  const Hash sum = sha256({as_bytes(text)});
  text += fmt::format("{}{}\n", kSum, hex(sum));
  return text;
}

std::optional<std::string> without_sum(const std::string& text) {
  // 64 hex digits and one byte at the end are a sum, whatever a flipped byte made of one of them or
  // of the line breaks around: no file that has none ends so.
  constexpr std::size_t kDigits = 64, kLine = kSum.size() + kDigits + 1;
  if (text.size() < kLine) return text;
  const std::string_view digits = std::string_view(text).substr(text.size() - kDigits - 1, kDigits);
  const auto hex_digits = std::count_if(digits.begin(), digits.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
  });
  if (hex_digits + 1 < static_cast<std::ptrdiff_t>(kDigits)) return text;
  std::string before = text.substr(0, text.size() - kLine);
  if (with_sum(before) != text) return std::nullopt;
  return before;
}

// Open-file-description locks (fcntl_locking(2)): they can be asked about without being taken.
Result<std::optional<FileLock>> FileLock::try_lock(const std::filesystem::path& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) return system_error("cannot open", path);
  struct flock whole {};
  whole.l_type = F_WRLCK;
  whole.l_whence = SEEK_SET;
  if (::fcntl(fd, F_OFD_SETLK, &whole) != 0) {
    const bool taken = errno == EAGAIN || errno == EACCES;
    const Error error = system_error("cannot lock", path);
    ::close(fd);
    if (taken) return std::optional<FileLock>{};
    return error;
  }
  return std::optional<FileLock>{FileLock{fd}};
}

Result<FileLock> FileLock::wait(const std::filesystem::path& path) {
  constexpr auto kLongest = std::chrono::seconds(10);
  constexpr auto kBetween = std::chrono::milliseconds(5);
  const auto until = std::chrono::steady_clock::now() + kLongest;
  while (true) {
    auto lock = try_lock(path);
    if (!lock) return lock.error();
    if (*lock) return std::move(**lock);
    if (std::chrono::steady_clock::now() > until)
      return Error{Errc::Conflict,
                   fmt::format("{} is held by another process: try again", path.string())};
    std::this_thread::sleep_for(kBetween);
  }
}

bool FileLock::held(const std::filesystem::path& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  struct flock whole {};
  whole.l_type = F_WRLCK;
  whole.l_whence = SEEK_SET;
  const bool asked = ::fcntl(fd, F_OFD_GETLK, &whole) == 0;
  ::close(fd);
  return asked && whole.l_type != F_UNLCK;
}

FileLock::~FileLock() {
  if (fd_ >= 0) ::close(fd_);
}

}  // namespace rollcall::store::inline bytes
