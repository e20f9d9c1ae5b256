// Spawning and following.
#include "net/child.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>

extern char** environ;

namespace rollcall::net {

store::Result<Child> start_child(const store::Layout& layout,
                                 const std::vector<std::string>& arguments, bool nice) {
  std::array<int, 2> out{-1, -1}, err{-1, -1};
  if (::pipe2(out.data(), O_CLOEXEC) != 0) return store::Error{store::Errc::Io, "no pipe"};
  if (::pipe2(err.data(), O_CLOEXEC) != 0) {
    ::close(out[0]);
    ::close(out[1]);
    return store::Error{store::Errc::Io, "no pipe"};
  }
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&actions, out[1], 1);
  ::posix_spawn_file_actions_adddup2(&actions, err[1], 2);
  const std::filesystem::path data = layout.app_dir.parent_path().parent_path();
  std::vector<std::string> words{"rollcall", "--data",   data.string(),
                                 "--app",    layout.app, "--no-pager"};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  std::vector<char*> environment;
  for (char** entry = environ; *entry != nullptr; ++entry) environment.push_back(*entry);
  std::string logged = "ROLLCALL_READ_LOGGED=1";
  environment.push_back(logged.data());
  environment.push_back(nullptr);
  Child child;
  const int failed = ::posix_spawn(&child.pid, "/proc/self/exe", &actions, nullptr, argv.data(),
                                   environment.data());
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(out[1]);
  ::close(err[1]);
  child.out = out[0];
  child.err = err[0];
  constexpr int kLast = 19;  // setpriority(2): the lowest priority there is
  if (failed == 0 && nice) ::setpriority(PRIO_PROCESS, static_cast<id_t>(child.pid), kLast);
  if (failed == 0) return child;
  ::close(out[0]);
  ::close(err[0]);
  return store::Error{store::Errc::Io, "the command cannot be started"};
}

int follow_child(Child child, const std::function<bool()>& go_on,
                 const std::function<void(bool error, std::string_view bytes)>& output) {
  std::array<char, 32768> buffer;
  bool open_out = true, open_err = true, wanted = true;
  while (open_out || open_err) {
    wanted = go_on();
    if (!wanted) break;
    std::array<pollfd, 2> fds{pollfd{open_out ? child.out : -1, POLLIN, 0},
                              pollfd{open_err ? child.err : -1, POLLIN, 0}};
    if (::poll(fds.data(), 2, 500) <= 0) continue;
    for (std::size_t i = 0; i < 2; ++i) {
      if (fds[i].revents == 0) continue;
      const ssize_t n = ::read(fds[i].fd, buffer.data(), buffer.size());
      if (n <= 0)
        (i == 0 ? open_out : open_err) = false;
      else
        output(i == 1, {buffer.data(), static_cast<std::size_t>(n)});
    }
  }
  if (!wanted) ::kill(child.pid, SIGTERM);
  int status = 0;
  ::waitpid(child.pid, &status, 0);
  ::close(child.out);
  ::close(child.err);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

}  // namespace rollcall::net
