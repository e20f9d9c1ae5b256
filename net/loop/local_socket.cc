// Bound aside, closed to others, listening, and then renamed to where it is looked for.
#include "net/loop/local_socket.h"

#include "net/wire/pusher_signature.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace rollcall::net::inline loop {
namespace {

using store::Errc;
using store::Error;

constexpr std::string_view kScheme = "unix://";
constexpr mode_t kOwnerAlone = S_IRUSR | S_IWUSR;
constexpr timeval kPatience{10, 0};

Error failed(std::string_view what, const std::filesystem::path& file, int code) {
  const Errc kind = code == ENOENT || code == ENOTDIR || code == ECONNREFUSED ? Errc::NotFound
                    : code == EACCES || code == EPERM                         ? Errc::NotPermitted
                                                                              : Errc::Io;
  return {kind, fmt::format("{} {}: {}", what, file.string(), std::strerror(code))};
}

/// Closed where nobody took it.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

/// A path as a socket's address: itself, or where it is too long, as seen from a descriptor of its
/// folder, which has to stay open.
class Address {
 public:
  explicit Address(const std::filesystem::path& file) : folder_(open_folder(file)) {
    std::string text = file.string();
    if (folder_.get() >= 0)
      text = fmt::format("/proc/self/fd/{}/{}", folder_.get(), file.filename().string());
    address_.sun_family = AF_UNIX;
    fits_ = text.size() < sizeof address_.sun_path;
    if (fits_) std::copy(text.begin(), text.end(), std::begin(address_.sun_path));
  }
  /// 0, or what errno would be.
  template <class Call>
  [[nodiscard]] int with(Call call) const {
    if (!fits_) return ENAMETOOLONG;
    return call(reinterpret_cast<const sockaddr*>(&address_), socklen_t{sizeof address_}) == 0
               ? 0
               : errno;
  }

 private:
  static int open_folder(const std::filesystem::path& file) {
    if (file.string().size() < sizeof(sockaddr_un::sun_path)) return -1;
    return ::open(file.parent_path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  }
  Descriptor folder_;
  sockaddr_un address_{};
  bool fits_ = false;
};

}  // namespace

SocketFile::SocketFile(std::filesystem::path path) : path_(std::move(path)) {
  struct stat is {};
  if (::lstat(path_.c_str(), &is) != 0 || !S_ISSOCK(is.st_mode)) {
    path_.clear();
    return;
  }
  device_ = is.st_dev;
  inode_ = is.st_ino;
}

void SocketFile::remove() {
  const SocketFile now(path_);
  if (!path_.empty() && now.path_ == path_ && now.device_ == device_ && now.inode_ == inode_)
    ::unlink(path_.c_str());
  path_.clear();
}

store::Result<int> listen_local(const std::filesystem::path& file) {
  struct stat is {};
  if (::lstat(file.c_str(), &is) == 0) {
    if (!S_ISSOCK(is.st_mode))
      return Error{Errc::Conflict, fmt::format("{} is there and is no socket", file.string())};
    if (const auto other = connect_local(file)) {
      ::close(*other);
      return Error{Errc::Conflict, fmt::format("another server listens on {}", file.string())};
    }
  }
  auto aside = file;
  aside += ".new";
  (void)::unlink(aside.c_str());  // of one that was killed just then
  Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (socket.get() < 0) return failed("cannot make", file, errno);
  // Linux gives the file the socket's own mode, less the umask. Where that is not so, nobody has
  // come either before chmod(): until listen(), everybody is turned away.
  (void)::fchmod(socket.get(), kOwnerAlone);
  const Address address(aside);
  if (const int code = address.with(
          [&](const sockaddr* to, socklen_t size) { return ::bind(socket.get(), to, size); }))
    return failed("cannot make", file, code);
  if (::chmod(aside.c_str(), kOwnerAlone) != 0 || ::listen(socket.get(), SOMAXCONN) != 0 ||
      ::rename(aside.c_str(), file.c_str()) != 0) {
    const int code = errno;
    ::unlink(aside.c_str());
    return failed("cannot make", file, code);
  }
  return socket.release();
}

store::Result<int> connect_local(const std::filesystem::path& file) {
  Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (socket.get() < 0) return failed("cannot connect to", file, errno);
  ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &kPatience, sizeof kPatience);
  const Address address(file);
  if (const int code = address.with(
          [&](const sockaddr* to, socklen_t size) { return ::connect(socket.get(), to, size); }))
    return failed("cannot connect to", file, code);
  return socket.release();
}

std::string local_url(const std::filesystem::path& file) {
  return std::string(kScheme) + percent_encode(file.string());
}

bool is_local_url(std::string_view url) { return url.starts_with(kScheme); }

std::optional<LocalUrl> read_local_url(std::string_view url) {
  if (!is_local_url(url)) return std::nullopt;
  url.remove_prefix(kScheme.size());
  const std::size_t end = std::min(url.find_first_of("/?#"), url.size());
  const auto file = percent_decode(url.substr(0, end));
  if (!file || !file->starts_with('/') || file->find('\0') != std::string::npos)
    return std::nullopt;
  LocalUrl out{*file, std::string(url.substr(end))};
  if (!out.target.starts_with('/')) out.target.insert(0, "/");
  return out;
}

}  // namespace rollcall::net::inline loop
