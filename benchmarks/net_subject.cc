// Starting and ending servers.
#include "benchmarks/net_subject.h"

#include "benchmarks/net_floor.h"

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <stdexcept>

namespace rollcall::bench {

Subject::Subject(std::string name, const std::string& rollcall, const std::string& settings,
                 std::filesystem::path keep)
    : name_(std::move(name)) {
  if (name_ == "send" || name_ == "sweep") {
    int pipe[2];
    if (::pipe(pipe) != 0) throw std::runtime_error("no pipe");
    pid_ = ::fork();
    if (pid_ == 0) run_floor(name_, pipe[1]);
    (void)!::read(pipe[0], &where_.port, sizeof where_.port);
    ::close(pipe[0]);
    ::close(pipe[1]);
    return;
  }
  data_ = keep.empty() ? std::filesystem::temp_directory_path() /
                             fmt::format("rollcall-bench-{}", ::getpid())
                       : keep;
  keep_ = !keep.empty();
  std::filesystem::create_directories(data_);
  if (name_ == "soketi") {
    where_.port = 16001;
    start({"node", "--no-warnings", "benchmarks/peers/soketi.mjs", "16001", kKey, kSecret});
    return;
  }
  const char* threads = std::getenv("BENCH_THREADS");
  std::ofstream(data_ / "rollcall.toml")
      << settings << (threads != nullptr ? fmt::format("threads = {}\n", threads) : std::string())
      << fmt::format(
             "\n[[apps]]\nid = \"main\"\nkey = \"{}\"\nsecret = \"{}\"\nactivity_timeout = "
             "120\nevent_max = 100000\n[apps.policy]\ngrace_abort = {}\n",
             kKey, kSecret, kGraceSeconds);
  start(
      {rollcall, "-d", data_.string(), "-q", "serve", "--listen", "127.0.0.1:0", "--log", "quiet"});
}

Subject::~Subject() {
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  if (!keep_ && !data_.empty()) std::filesystem::remove_all(data_);
}

std::string Subject::token() const {
  std::ifstream file(data_ / "admin.token");
  std::string token;
  file >> token;
  return token;
}

void Subject::start(const std::vector<std::string>& words) {
  int pipe[2];
  if (::pipe(pipe) != 0) throw std::runtime_error("no pipe");
  pid_ = ::fork();
  if (pid_ == 0) {
    ::dup2(pipe[1], 1);
    ::close(pipe[0]);
    std::vector<char*> argv;
    for (const auto& word : words) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    ::execvp(argv[0], argv.data());
    ::_exit(127);
  }
  ::close(pipe[1]);
  std::string out;
  char c = 0;
  while (::read(pipe[0], &c, 1) == 1) {
    out += c;
    if (c == '\n' && out.find("listening on") != std::string::npos) {
      const std::size_t colon = out.rfind(':');
      where_.port = static_cast<std::uint16_t>(std::stoi(out.substr(colon + 1)));
      break;
    }
  }
  if (where_.port == 0) throw std::runtime_error("the server did not start");
  // The pipe stays open: a server that writes to it later must not be ended by that.
  pipe_ = pipe[0];
}

}  // namespace rollcall::bench
