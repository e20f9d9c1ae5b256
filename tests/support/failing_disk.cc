// fdatasync() as the libraries of this test program see it, and a tmpfs.
#include "tests/support/failing_disk.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <fstream>
#include <mutex>

namespace {

std::atomic<int> left = 0;
std::mutex mutex;
std::string wanted;  // under the mutex

bool fails(int fd) {
  if (left <= 0) return false;
  std::array<char, 4096> name{};
  const std::string link = "/proc/self/fd/" + std::to_string(fd);
  const ssize_t n = ::readlink(link.c_str(), name.data(), name.size());
  const std::lock_guard guard(mutex);
  if (n <= 0 || !std::string_view(name.data(), static_cast<std::size_t>(n)).ends_with(wanted))
    return false;
  return left.fetch_sub(1) > 0;
}

}  // namespace

// Defined in the program, so it is what RocksDB's calls find, too.
extern "C" int fdatasync(int fd) {
  const auto done = static_cast<int>(::syscall(SYS_fdatasync, fd));
  if (done != 0 || !fails(fd)) return done;
  errno = EIO;
  return -1;
}

namespace rollcall::test {

void fail_syncs(std::string suffix, int times) {
  const std::lock_guard guard(mutex);
  wanted = std::move(suffix);
  left = times;
}

int syncs_left_to_fail() { return std::max(0, left.load()); }

SmallDisk::SmallDisk(std::filesystem::path at, std::uint64_t bytes) : path_(std::move(at)) {
  std::filesystem::create_directories(path_);
  const std::string size = "size=" + std::to_string(bytes);
  mounted_ = ::mount("rollcall-test", path_.c_str(), "tmpfs", 0, size.c_str()) == 0;
}

SmallDisk::~SmallDisk() {
  if (mounted_) ::umount2(path_.c_str(), MNT_DETACH);
}

void SmallDisk::fill(std::uint64_t but) {
  struct statvfs now {};
  if (::statvfs(path_.c_str(), &now) != 0) return;
  const std::uint64_t free = now.f_bavail * now.f_frsize;
  if (free <= but) return;
  const int fd =
      ::open((path_ / "filler").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0) return;
  const std::string block(64U << 10, 'x');
  for (std::uint64_t rest = free - but; rest > 0;) {
    const ssize_t n = ::write(fd, block.data(), std::min<std::uint64_t>(rest, block.size()));
    if (n <= 0) break;
    rest -= static_cast<std::uint64_t>(n);
  }
  ::close(fd);
}

void SmallDisk::make_room() {
  std::error_code ec;
  std::filesystem::remove(path_ / "filler", ec);
}

}  // namespace rollcall::test
