// inotify and signalfd.
#include "store/log/log_watch.h"

#include <poll.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>

namespace rollcall::store::inline log {

LogWatch::LogWatch(const Layout& layout) {
  changes_ = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  if (changes_ >= 0)
    (void)::inotify_add_watch(changes_, layout.log().c_str(), IN_MODIFY | IN_CREATE | IN_MOVED_TO);
  sigset_t ends;
  ::sigemptyset(&ends);
  ::sigaddset(&ends, SIGINT);
  ::sigaddset(&ends, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &ends, nullptr);
  signals_ = ::signalfd(-1, &ends, SFD_NONBLOCK | SFD_CLOEXEC);
}

LogWatch::~LogWatch() {
  for (const int fd : {changes_, signals_})
    if (fd >= 0) ::close(fd);
}

bool LogWatch::wait() {
  constexpr int kLongest = 1000;  // milliseconds
  std::array<pollfd, 2> fds{pollfd{changes_, POLLIN, 0}, pollfd{signals_, POLLIN, 0}};
  (void)::poll(fds.data(), fds.size(), kLongest);
  std::array<char, 4096> seen;  // what changed does not matter
  while (::read(changes_, seen.data(), seen.size()) > 0) {
  }
  return (fds[1].revents & POLLIN) == 0;
}

}  // namespace rollcall::store::inline log
