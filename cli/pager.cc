// Starting and leaving the pager.
#include "cli/pager.h"

#include "cli/output.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace rollcall::cli {
namespace {

const char* pager_command() {
  for (const char* variable : {"ROLLCALL_PAGER", "PAGER"}) {
    const char* set = std::getenv(variable);
    if (set != nullptr && *set != '\0') return set;
  }
  return "less -FRSX";
}

}  // namespace

Pager::Pager(const Context& context) {
  const char* term = std::getenv("TERM");
  const bool dumb = term == nullptr || std::strcmp(term, "dumb") == 0;
  if (context.no_pager || dumb || machine_output(context) || ::isatty(STDOUT_FILENO) != 1) return;
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return;
  std::fflush(stdout);
  pid_ = ::fork();
  if (pid_ == 0) {
    ::dup2(ends[0], STDIN_FILENO);
    ::execl("/bin/sh", "sh", "-c", pager_command(), static_cast<char*>(nullptr));
    ::_exit(127);
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
