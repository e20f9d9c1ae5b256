// Who asks over the server's own socket: local:NAME, a user of the system.
//
// Why this file exists: the socket's file lets in whoever may open the store's files anyhow, so no
// token is asked for there. Who it is says the kernel (SO_PEERCRED), nothing that is sent. The
// command line writes the same name into the log where it reads a store's files itself.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

namespace rollcall::net::inline access {

/// `local:` and the name that the system has for the user, else the number. May ask the system's
/// directories: not on a thread that has connections to serve.
[[nodiscard]] std::string local_name(uid_t user);

/// As whom the other end of a UNIX socket runs, or ran when it began to listen; nothing of another
/// kind of socket.
[[nodiscard]] std::optional<uid_t> user_at(int socket);

/// The two who may come: whoever this process runs as, and root.
class LocalCallers {
 public:
  LocalCallers();
  /// The name of whoever connected this socket; nothing where it is somebody else.
  [[nodiscard]] std::optional<std::string> name_of(int socket) const;

 private:
  uid_t own_;
  std::string own_name_, root_name_;
};

}  // namespace rollcall::net::inline access
