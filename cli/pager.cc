// Starting and leaving the pager.
#include "cli/pager.h"

#include "cli/output.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace rollcall::cli {
namespace {

/// Whether the shell would find it.
bool on_path(const std::string& program) {
  const char* path = std::getenv("PATH");
  for (std::string_view rest = path != nullptr ? path : "/usr/bin:/bin"; !rest.empty();) {
    const auto end = std::min(rest.find(':'), rest.size());
    const std::string file = std::string(rest.substr(0, end)) + "/" + program;
    if (::access(file.c_str(), X_OK) == 0) return true;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return false;
}

/// Empty: no pager. A variable that is set and empty says so, and cat would show nothing else.
std::string pager_command() {
  for (const char* variable : {"ROLLCALL_PAGER", "PAGER"}) {
    const char* set = std::getenv(variable);
    if (set != nullptr) return std::strcmp(set, "cat") == 0 ? "" : set;
  }
  return on_path("less") ? "less -FRSX" : "";
}

bool write_all(int fd, const char* bytes, std::size_t size) {
  while (size > 0) {
    const ssize_t n = ::write(fd, bytes, size);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    bytes += n;
    size -= static_cast<std::size_t>(n);
  }
  return true;
}

ssize_t read_some(int fd, char* into, std::size_t size) {
  ssize_t n = 0;
  do {
    n = ::read(fd, into, size);
  } while (n < 0 && errno == EINTR);
  return n;
}

/// Between the answer and the pager, in a process of its own: where the pager cannot be started,
/// what it was given goes to the terminal. Other threads may have held locks when this process
/// began, so it calls nothing but the kernel.
[[noreturn]] void feed(int answer, const char* command) {
  // More than a pipe holds: of a pager that never read, nothing beyond it was taken.
  static char kept[256 * 1024];
  static char chunk[16 * 1024];
  std::size_t size = 0;
  bool all_kept = true;
  int ends[2];
  const bool piped = ::pipe2(ends, O_CLOEXEC) == 0;
  const pid_t pager = piped ? ::fork() : -1;
  if (pager == 0) {
    std::signal(SIGPIPE, SIG_DFL);
    std::signal(SIGINT, SIG_DFL);
    ::dup2(ends[0], STDIN_FILENO);
    ::execl("/bin/sh", "sh", "-c", command, static_cast<char*>(nullptr));
    ::_exit(127);
  }
  if (piped) ::close(ends[0]);
  bool reading = pager > 0;
  while (reading) {
    const ssize_t n = read_some(answer, chunk, sizeof chunk);
    if (n <= 0) break;
    const auto got = static_cast<std::size_t>(n);
    all_kept = all_kept && size + got <= sizeof kept;
    if (all_kept) {
      std::memcpy(kept + size, chunk, got);
      size += got;
    }
    reading = write_all(ends[1], chunk, got);
  }
  if (piped) ::close(ends[1]);
  int status = 127 << 8;
  if (pager > 0) ::waitpid(pager, &status, 0);
  // 126 and 127 are the shell's: it found no such program, or one that cannot run.
  const bool never_ran =
      WIFEXITED(status) && (WEXITSTATUS(status) == 126 || WEXITSTATUS(status) == 127);
  if (never_ran && all_kept && write_all(STDOUT_FILENO, kept, size)) {
    for (ssize_t n = 0; (n = read_some(answer, chunk, sizeof chunk)) > 0;)
      if (!write_all(STDOUT_FILENO, chunk, static_cast<std::size_t>(n))) break;
  }
  ::_exit(0);
}

}  // namespace

Pager::Pager(const Context& context) {
  const char* term = std::getenv("TERM");
  const bool dumb = term == nullptr || std::strcmp(term, "dumb") == 0;
  if (context.no_pager || dumb || machine_output(context) || ::isatty(STDOUT_FILENO) != 1) return;
  const std::string command = pager_command();
  if (command.empty()) return;
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return;
  std::fflush(stdout);
  pid_ = ::fork();
  if (pid_ == 0) {
    std::signal(SIGPIPE, SIG_IGN);
    std::signal(SIGINT, SIG_IGN);  // the pager's to answer
    ::close(ends[1]);
    feed(ends[0], command.c_str());
  }
  ::close(ends[0]);
  if (pid_ > 0) {
    stdout_ = ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    ::dup2(ends[1], STDOUT_FILENO);
  }
  ::close(ends[1]);
}

Pager::~Pager() {
  if (pid_ <= 0) return;
  std::fflush(stdout);
  ::dup2(stdout_, STDOUT_FILENO);
  ::close(stdout_);
  ::waitpid(pid_, nullptr, 0);
}

}  // namespace rollcall::cli
