// mmap and pread.
#include "store/bytes/mapped_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace rollcall::store::inline bytes {

Result<MappedFile> MappedFile::open(const std::filesystem::path& path) {
  const auto failed = [&](const char* what) {
    const int code = errno;
    return Error{code == ENOENT ? Errc::NotFound : Errc::Io,
                 fmt::format("{} {}: {}", what, path.string(), std::strerror(code))};
  };
  MappedFile file;
  file.fd_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file.fd_ < 0) return failed("cannot read");
  struct stat about {};
  if (::fstat(file.fd_, &about) != 0) return failed("cannot read");
  if (!S_ISREG(about.st_mode)) {
    errno = S_ISDIR(about.st_mode) ? EISDIR : EINVAL;
    return failed("cannot read");
  }
  const auto size = static_cast<std::size_t>(about.st_size);
  if (size == 0) return file;  // of nothing there is no mapping
  void* at = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, file.fd_, 0);
  if (at == MAP_FAILED) return failed("cannot map");
  file.bytes_ = {static_cast<const std::uint8_t*>(at), size};
  return file;
}

MappedFile::~MappedFile() {
  if (!bytes_.empty()) ::munmap(const_cast<std::uint8_t*>(bytes_.data()), bytes_.size());
  if (fd_ >= 0) ::close(fd_);
}

Result<Bytes> MappedFile::copy_from(std::uint64_t offset) const {
  Bytes out;
  constexpr std::size_t kPiece = 1U << 16;
  while (true) {
    const std::size_t had = out.size();
    out.resize(had + kPiece);
    const ssize_t n = ::pread(fd_, out.data() + had, kPiece, static_cast<off_t>(offset + had));
    out.resize(had + static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Error{Errc::Io, fmt::format("cannot read: {}", std::strerror(errno))};
    if (n == 0) return out;
  }
}

}  // namespace rollcall::store::inline bytes
