// UNIX stream sockets as files: bound so that nobody but their owner can ever connect, reached by
// paths of any length, named by URLs.
//
// Why this file exists: a socket's address holds 107 bytes of a path, and a store's folder may lie
// deeper; between bind() and chmod() a socket's file is open to whoever the umask lets. Server and
// clients meet both in the same way.
#pragma once

#include "store/bytes/errc.h"

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace rollcall::net::inline loop {

/// Where a server listens for whoever is on its machine: in its data folder.
inline constexpr std::string_view kLocalSocket = "socket";

/// The file of a socket that listens, to be removed at the end.
class SocketFile {
 public:
  SocketFile() = default;
  /// What is there now.
  explicit SocketFile(std::filesystem::path path);
  /// Removes it, unless it is another's by now.
  void remove();

 private:
  std::filesystem::path path_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

/// A socket that listens at `file` (close-on-exec, non-blocking), which its owner alone may open
/// from its first moment on. One that a dead process left is replaced, in one step. Conflict where
/// somebody listens there, or something else than a socket is there.
[[nodiscard]] store::Result<int> listen_local(const std::filesystem::path& file);

/// A connection to `file` (close-on-exec, blocking). NotFound where nothing listens, NotPermitted
/// where the file may not be opened. Waits at most ten seconds for a queue that is full.
[[nodiscard]] store::Result<int> connect_local(const std::filesystem::path& file);

/// unix://%2Fdir%2Fsocket, of an absolute path: stands before a path like /v1/log.
[[nodiscard]] std::string local_url(const std::filesystem::path& file);
[[nodiscard]] bool is_local_url(std::string_view url);
struct LocalUrl {
  std::filesystem::path file;
  std::string target;  ///< path and query, "/" at least
};
/// Nothing where it is none.
[[nodiscard]] std::optional<LocalUrl> read_local_url(std::string_view url);

}  // namespace rollcall::net::inline loop
