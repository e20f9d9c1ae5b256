// Names are looked up once, at the start.
#include "net/access/local_caller.h"

#include <fmt/format.h>
#include <pwd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

namespace rollcall::net::inline access {

std::string local_name(uid_t user) {
  constexpr std::size_t kUsual = 1024, kMost = 1U << 20;
  passwd entry{};
  passwd* found = nullptr;
  std::vector<char> buffer(kUsual);
  while (::getpwuid_r(user, &entry, buffer.data(), buffer.size(), &found) == ERANGE &&
         buffer.size() < kMost)
    buffer.resize(2 * buffer.size());
  return found != nullptr ? fmt::format("local:{}", entry.pw_name) : fmt::format("local:{}", user);
}

std::optional<uid_t> user_at(int socket) {
  ucred who{};
  socklen_t size = sizeof who;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &who, &size) != 0 || who.pid == 0)
    return std::nullopt;
  return who.uid;
}

LocalCallers::LocalCallers()
    : own_(::geteuid()), own_name_(local_name(own_)), root_name_(local_name(0)) {}

std::optional<std::string> LocalCallers::name_of(int socket) const {
  const auto user = user_at(socket);
  if (user == own_) return own_name_;
  if (user == uid_t{0}) return root_name_;
  return std::nullopt;
}

}  // namespace rollcall::net::inline access
