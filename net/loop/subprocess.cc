// Spawning and following; and the child's side.
#include "net/loop/subprocess.h"

#include "store/bytes/bytes.h"

#include <boost/json.hpp>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <thread>

extern char** environ;

namespace rollcall::net::inline loop {
namespace {

namespace json = boost::json;

constexpr int kFirstOther = 3;  // descriptors from here on are not the child's
constexpr int kLast = 19;       // setpriority(2): the lowest priority there is
constexpr std::size_t kErrandMax = 4096;

/// What a child gets of our environment: all but our own settings, of which it keeps the keys.
std::vector<char*> environment() {
  std::vector<char*> out;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const bool own = text.starts_with("ROLLCALL_") || text.starts_with("LISTEN_");
    if (!own || text.starts_with("ROLLCALL_MASTER_KEY") || text.starts_with("ROLLCALL_NEW_MASTER_"))
      out.push_back(*entry);
  }
  out.push_back(nullptr);
  return out;
}

std::string written(const Errand& errand) {
  return json::serialize(json::object{{"parent", ::getpid()},
                                      {"read", errand.read},
                                      {"secret", errand.secret},
                                      {"server_admin", errand.server_admin},
                                      {"folders", errand.folders},
                                      {"nice", errand.nice},
                                      {"cpu_s", errand.cpu_s},
                                      {"memory_mb", errand.memory_mb}}) +
         "\n";
}

struct Pipe {
  std::array<int, 2> ends{-1, -1};
  Pipe() {
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) ends = {-1, -1};
  }
  ~Pipe() {
    for (const int fd : ends)
      if (fd >= 0) ::close(fd);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  [[nodiscard]] int keep(std::size_t end) { return std::exchange(ends[end], -1); }
};

/// SIGTERM first: what it was writing aside is removed; SIGKILL where that does not help.
int end_child(pid_t pid) {
  constexpr int kPatience = 200;  // times 10 ms
  int status = 0;
  ::kill(pid, SIGTERM);
  for (int i = 0; i < kPatience; ++i) {
    if (::waitpid(pid, &status, WNOHANG) == pid) return status;
    ::poll(nullptr, 0, 10);
  }
  ::kill(pid, SIGKILL);
  ::waitpid(pid, &status, 0);
  return status;
}

}  // namespace

store::Result<Child> start_child(const store::Layout& layout,
                                 const std::vector<std::string>& arguments, const Errand& errand) {
  Pipe in, out, err;
  if (in.ends[0] < 0 || out.ends[0] < 0 || err.ends[0] < 0)
    return store::Error{store::Errc::Io, "no pipe"};
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, in.ends[0], 0);
  ::posix_spawn_file_actions_adddup2(&actions, out.ends[1], 1);
  ::posix_spawn_file_actions_adddup2(&actions, err.ends[1], 2);
  // Whatever a library of ours opened without O_CLOEXEC: nothing of it is the child's.
  ::posix_spawn_file_actions_addclosefrom_np(&actions, kFirstOther);
  const std::filesystem::path data = layout.app_dir.parent_path().parent_path();
  std::vector<std::string> words{std::string(kErrandName), "--data=" + data.string(),
                                 "--app=" + layout.app, "--no-pager"};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  const std::string text = written(errand);
  Child child;
  const int failed = ::posix_spawn(&child.pid, "/proc/self/exe", &actions, nullptr, argv.data(),
                                   environment().data());
  ::posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) return store::Error{store::Errc::Io, "the command cannot be started"};
  child.out = out.keep(0);
  child.err = err.keep(0);
  child.errand = in.keep(1);
  // Shorter than a pipe holds, so this waits for nobody; a child that is gone already shows below.
  (void)!::write(child.errand, text.data(), text.size());
  return child;
}

int follow_child(Child child, const std::function<bool()>& go_on,
                 const std::function<void(bool error, std::string_view bytes)>& output,
                 std::chrono::seconds longest) {
  std::array<char, 32768> buffer;
  bool open_out = true, open_err = true, wanted = true, late = false;
  const auto begun = std::chrono::steady_clock::now();
  while (open_out || open_err) {
    wanted = go_on();
    late = longest.count() != 0 && std::chrono::steady_clock::now() - begun > longest;
    if (!wanted || late) break;
    std::array<pollfd, 2> fds{pollfd{open_out ? child.out : -1, POLLIN, 0},
                              pollfd{open_err ? child.err : -1, POLLIN, 0}};
    if (::poll(fds.data(), 2, 200) <= 0) continue;
    for (std::size_t i = 0; i < 2; ++i) {
      if (fds[i].revents == 0) continue;
      const ssize_t n = ::read(fds[i].fd, buffer.data(), buffer.size());
      if (n <= 0)
        (i == 0 ? open_out : open_err) = false;
      else
        output(i == 1, {buffer.data(), static_cast<std::size_t>(n)});
    }
  }
  int status = 0;
  if (!wanted || late)
    status = end_child(child.pid);
  else
    ::waitpid(child.pid, &status, 0);
  for (const int fd : {child.out, child.err, child.errand}) ::close(fd);
  if (late)
    output(true, fmt::format("rollcall: ended after {} s: ask for less\n", longest.count()));
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU)
    output(true, "rollcall: ended for using the processor too long: ask for less\n");
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

std::optional<Errand> take_errand() {
  // Before the parent is asked for: whichever of the two ends first, one of both checks sees it.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  std::string text;
  for (char c = 0; text.size() < kErrandMax;) {
    const ssize_t n = ::read(STDIN_FILENO, &c, 1);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return std::nullopt;
    if (c == '\n') break;
    text += c;
  }
  boost::system::error_code ec;
  const json::value value = json::parse(text, ec);
  if (ec || !value.is_object()) return std::nullopt;
  Errand out;
  try {
    const json::object& o = value.get_object();
    if (o.at("parent").to_number<pid_t>() != ::getppid()) return std::nullopt;
    out.read = o.at("read").to_number<engine::Seq>();
    out.secret = std::string(o.at("secret").as_string());
    out.server_admin = o.at("server_admin").as_bool();
    out.folders = o.at("folders").as_bool();
    out.nice = o.at("nice").as_bool();
    out.cpu_s = o.at("cpu_s").to_number<std::uint64_t>();
    out.memory_mb = o.at("memory_mb").to_number<std::uint64_t>();
  } catch (const std::exception&) {
    return std::nullopt;
  }
  const auto limit = [](int what, rlim_t most) {
    const rlimit both{most, most};
    (void)::setrlimit(static_cast<__rlimit_resource_t>(what), &both);
  };
  if (out.cpu_s != 0) {
    const rlimit processor{out.cpu_s, out.cpu_s + 1};  // SIGXCPU first, which says why
    (void)::setrlimit(RLIMIT_CPU, &processor);
  }
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  if (out.memory_mb != 0) limit(RLIMIT_AS, out.memory_mb << 20);  // a sanitizer's shadow is larger
#endif
  limit(RLIMIT_CORE, 0);  // it would hold what was read
  if (out.nice) (void)::setpriority(PRIO_PROCESS, 0, kLast);
  // Also without a signal (a parent in another namespace): the end of the pipe is the end.
  std::thread([] {
    char c = 0;
    while (true) {
      const ssize_t n = ::read(STDIN_FILENO, &c, 1);
      if (n == 0 || (n < 0 && errno != EINTR)) ::_exit(1);
    }
  }).detach();
  return out;
}

}  // namespace rollcall::net::inline loop
