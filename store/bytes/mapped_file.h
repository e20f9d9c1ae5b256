// A file mapped for reading: its pages come from the disk when they are looked at.
#pragma once

#include "store/bytes/bytes.h"
#include "store/bytes/errc.h"

#include <filesystem>
#include <utility>

namespace rollcall::store::inline bytes {

/// The file as it was opened: renaming another over it changes nothing here, writing into it does.
/// Nobody may look behind what he knows to stay: a file that is cut while it is mapped ends the
/// process that touches the lost part.
class MappedFile {
 public:
  MappedFile() = default;
  static Result<MappedFile> open(const std::filesystem::path& path);
  MappedFile(MappedFile&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)), bytes_(std::exchange(other.bytes_, {})) {}
  MappedFile& operator=(MappedFile&& other) noexcept {
    std::swap(fd_, other.fd_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~MappedFile();

  /// Of the size that it had when it was opened.
  [[nodiscard]] ByteView bytes() const { return bytes_; }
  /// Its bytes from an offset to its end as it is now, copied.
  [[nodiscard]] Result<Bytes> copy_from(std::uint64_t offset) const;

 private:
  int fd_ = -1;
  ByteView bytes_;
};

}  // namespace rollcall::store::inline bytes
