// Child processes.
#include "tests/support/process.h"

#include "tests/support/scratch.h"

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>

namespace rollcall::test {
namespace {

int spawn(const std::filesystem::path& directory, const std::vector<std::string>& args, int out,
          int err) {
  std::vector<std::string> all{ROLLCALL_BINARY};
  all.insert(all.end(), args.begin(), args.end());
  std::vector<char*> argv;
  for (auto& a : all) argv.push_back(a.data());
  argv.push_back(nullptr);
  const int pid = ::fork();
  if (pid == 0) {
    if (::chdir(directory.c_str()) != 0) ::_exit(127);
    const int null = ::open("/dev/null", O_RDONLY);
    ::dup2(null, 0);
    ::dup2(out, 1);
    ::dup2(err, 2);
    ::execv(argv[0], argv.data());
    ::_exit(127);
  }
  return pid;
}

int code_of(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status); }

}  // namespace

Finished run_rollcall(const std::filesystem::path& directory,
                      const std::vector<std::string>& args) {
  const Scratch scratch;
  const auto out = scratch.path() / "out", err = scratch.path() / "err";
  const int o = ::open(out.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
  const int e = ::open(err.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
  const int pid = spawn(directory, args, o, e);
  ::close(o);
  ::close(e);
  int status = 0;
  ::waitpid(pid, &status, 0);
  return {code_of(status), slurp(out), slurp(err)};
}

Finished run_rollcall_into(const std::filesystem::path& directory,
                           const std::vector<std::string>& args, const std::string& file) {
  const Scratch scratch;
  const auto err = scratch.path() / "err";
  const int o = ::open(file.c_str(), O_WRONLY | O_CLOEXEC);
  const int e = ::open(err.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
  const int pid = spawn(directory, args, o, e);
  ::close(o);
  ::close(e);
  int status = 0;
  ::waitpid(pid, &status, 0);
  return {code_of(status), "", slurp(err)};
}

Finished run_on_terminal(const std::filesystem::path& directory,
                         const std::vector<std::string>& args,
                         const std::vector<std::string>& environment) {
  std::vector<std::string> all{ROLLCALL_BINARY};
  all.insert(all.end(), args.begin(), args.end());
  std::vector<char*> argv;
  for (auto& a : all) argv.push_back(a.data());
  argv.push_back(nullptr);
  int master = -1;
  const int pid = ::forkpty(&master, nullptr, nullptr, nullptr);
  if (pid == 0) {
    if (::chdir(directory.c_str()) != 0) ::_exit(127);
    for (const auto& set : environment) ::putenv(const_cast<char*>(set.c_str()));
    ::execv(argv[0], argv.data());
    ::_exit(127);
  }
  Finished done;
  char chunk[4096];
  for (ssize_t n = 0; (n = ::read(master, chunk, sizeof chunk)) > 0;)
    done.out.append(chunk, static_cast<std::size_t>(n));
  int status = 0;
  ::waitpid(pid, &status, 0);
  ::close(master);
  done.code = code_of(status);
  return done;
}

Process::Process(const std::filesystem::path& directory, const std::vector<std::string>& args) {
  int pipe[2];
  REQUIRE(::pipe2(pipe, O_CLOEXEC) == 0);
  const int null = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  pid_ = spawn(directory, args, pipe[1], null);
  ::close(pipe[1]);
  ::close(null);
  out_ = pipe[0];
}

Process::~Process() {
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  ::close(out_);
}

bool Process::kill_after(long micros) {
  ::usleep(static_cast<useconds_t>(micros));  // the moment of the crash is what the test varies
  int status = 0;
  if (::waitpid(pid_, &status, WNOHANG) == pid_) {
    pid_ = -1;
    return false;
  }
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, &status, 0);
  pid_ = -1;
  return WIFSIGNALED(status);
}

void Process::signal(int number) { ::kill(pid_, number); }

std::string Process::wait_for(const std::string& text) {
  while (true) {
    const auto end = buffer_.find('\n');
    if (end != std::string::npos) {
      const std::string line = buffer_.substr(0, end);
      buffer_.erase(0, end + 1);
      if (line.find(text) != std::string::npos) return line;
      continue;
    }
    pollfd p{out_, POLLIN, 0};
    if (::poll(&p, 1, 20'000) <= 0) return "";
    char chunk[4096];
    const ssize_t n = ::read(out_, chunk, sizeof chunk);
    if (n <= 0) return "";
    buffer_.append(chunk, static_cast<std::size_t>(n));
  }
}

int Process::wait() {
  int status = 0;
  ::waitpid(pid_, &status, 0);
  pid_ = -1;
  return code_of(status);
}

}  // namespace rollcall::test
