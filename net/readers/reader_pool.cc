// Starting, handing over, ending.
#include "net/readers/reader_pool.h"

#include "net/readers/reader_process.h"

#include <boost/json.hpp>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>

extern char** environ;

namespace rollcall::net::inline readers {
namespace {

namespace json = boost::json;
using store::Errc;
using store::Error;
using store::Result;

constexpr int kFirstOther = 3;  // descriptors from here on are not the reader's

/// What a reader gets of our environment: all but our own settings, of which it keeps the keys.
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

bool send_all(int socket, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

}  // namespace

ReaderPool::ReaderPool(store::Layout layout, ReaderLimits limits, std::function<AskedAt()> asked_at)
    : layout_(std::move(layout)), limits_(limits), asked_at_(std::move(asked_at)) {}

ReaderPool::~ReaderPool() { stop(); }

Result<ReaderPool::Process> ReaderPool::start(bool nice) const {
  std::array<int, 2> ends{-1, -1};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
    return Error{Errc::Io, "no reader can be started: no socket"};
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, ends[1], STDIN_FILENO);
  ::posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  // Whatever a library of ours opened without O_CLOEXEC: nothing of it is the reader's.
  ::posix_spawn_file_actions_addclosefrom_np(&actions, kFirstOther);
  std::string name(kReaderName);
  std::array<char*, 2> argv{name.data(), nullptr};
  Process out;
  const int failed = ::posix_spawn(&out.pid, "/proc/self/exe", &actions, nullptr, argv.data(),
                                   environment().data());
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(ends[1]);
  if (failed != 0) {
    ::close(ends[0]);
    return Error{Errc::Io, "no reader can be started"};
  }
  out.socket = ends[0];
  const json::object said{{"data", layout_.app_dir.parent_path().parent_path().string()},
                          {"app", layout_.app},
                          {"memory_mb", nice ? 0 : limits_.memory_mb},
                          {"nice", nice}};
  (void)send_all(out.socket, json::serialize(said) + "\n");  // one that is gone shows when asked
  return out;
}

void ReaderPool::end(Process& process) {
  ::close(std::exchange(process.socket, -1));
  // One that waits for a question sees the end, and takes its temporary folder along.
  constexpr int kPatience = 100;  // times 2 ms
  for (int i = 0; i < kPatience && !process.spent; ++i) {
    if (::waitpid(process.pid, nullptr, WNOHANG) == process.pid) return;
    ::poll(nullptr, 0, 2);
  }
  ::kill(process.pid, SIGKILL);  // it writes nothing that is not written aside first
  while (::waitpid(process.pid, nullptr, 0) < 0 && errno == EINTR) {
  }
}

Result<ReaderPool::Process> ReaderPool::take(const std::string& asker,
                                             const std::function<bool()>& go_on) {
  constexpr auto kLook = std::chrono::milliseconds(200);
  store::Lock lock(mutex_);
  const auto has_share = [&] {
    mutex_.held();
    const auto own = std::count_if(busy_.begin(), busy_.end(),
                                   [&](const Process& p) { return p.asker == asker; });
    return asker.empty() || static_cast<std::size_t>(own) < limits_.most_of_one;
  };
  const auto has_room = [&] {
    mutex_.held();
    return !idle_.empty() || busy_.size() + starting_ < limits_.most;
  };
  while (!stopping_ && !(has_share() && has_room())) {
    fewer_.wait_for(lock.waiting(), kLook);
    lock.unlock();
    const bool wanted = go_on();
    lock.lock();
    if (!wanted) return Error{Errc::Io, "nobody wants the answer any more"};
  }
  if (stopping_) return Error{Errc::Io, "the server ends"};
  if (!idle_.empty()) {
    Process out = idle_.back();
    idle_.pop_back();
    out.asker = asker;
    busy_.push_back(out);
    return out;
  }
  ++starting_;
  const std::uint64_t generation = generation_;
  lock.unlock();
  auto started = start(false);
  lock.lock();
  --starting_;
  fewer_.notify_all();
  if (!started) return started.error();
  started->generation = generation;
  started->asker = asker;
  busy_.push_back(*started);
  return started;
}

void ReaderPool::give_back(Process process) {
  store::Lock lock(mutex_);
  std::erase_if(busy_, [&](const Process& p) { return p.pid == process.pid; });
  ++ending_;
  const bool keeps = !process.spent && process.generation == generation_ && !stopping_ &&
                     idle_.size() < limits_.idle_most;
  if (keeps) {
    idle_.push_back(process);
  } else {  // before renew() returns it is gone
    lock.unlock();
    end(process);
    lock.lock();
  }
  --ending_;
  fewer_.notify_all();
}

void ReaderPool::prepare() {
  auto started = start(false);
  if (!started) return;
  const store::Lock guard(mutex_);
  started->generation = generation_;
  idle_.push_back(*started);
}

Result<void> ReaderPool::ask(const Errand& errand, const std::function<bool()>& go_on,
                             const std::function<bool(std::string_view)>& line, bool without_end) {
  auto taken = take(errand.asker, go_on);
  if (!taken) return taken.error();
  auto done = follow(*taken, errand, go_on, line, without_end);
  give_back(*taken);
  return done;
}

Result<void> ReaderPool::ask_aside(const Errand& errand, const std::function<bool()>& go_on) {
  auto started = start(true);
  if (!started) return started.error();
  std::optional<std::string> failed;
  auto done = follow(
      *started, errand, go_on,
      [&](std::string_view line) {
        if (line.starts_with("{\"error\"")) failed = std::string(line);
        return true;
      },
      true);
  end(*started);
  if (done && failed) return Error{Errc::Io, *failed};
  return done;
}

Result<void> ReaderPool::follow(Process& process, const Errand& errand,
                                const std::function<bool()>& go_on,
                                const std::function<bool(std::string_view)>& line,
                                bool without_end) {
  json::object request{{"question", errand.question},
                       {"ask", errand.ask},
                       {"entries", errand.entries},
                       {"rows_most", without_end ? 0 : limits_.rows_most},
                       {"cpu_s", without_end ? 0 : limits_.cpu_s}};
  if (asked_at_) {
    const AskedAt at = asked_at_();
    request["last"] = at.last;
    request["now"] = at.now;
  }
  const auto ended = [&](Errc code, std::string why) {
    process.spent = true;
    ::kill(process.pid, SIGKILL);
    return Error{code, std::move(why)};
  };
  const auto begun = std::chrono::steady_clock::now();
  const auto longest = without_end ? std::chrono::seconds(0) : limits_.longest;
  if (!send_all(process.socket, json::serialize(request) + "\n"))
    return ended(Errc::Io, "the reader had ended: ask again");
  std::string held;
  std::array<char, 65'536> buffer;
  while (true) {
    const bool late = longest.count() != 0 && std::chrono::steady_clock::now() - begun > longest;
    if (late)
      return ended(Errc::TooMany, fmt::format("ended after {} s: ask for less", longest.count()));
    if (!go_on()) return ended(Errc::Io, "nobody wants the answer any more");
    pollfd fd{process.socket, POLLIN, 0};
    constexpr int kLook = 200;  // milliseconds
    if (::poll(&fd, 1, kLook) <= 0) continue;
    const ssize_t n = ::recv(process.socket, buffer.data(), buffer.size(), 0);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      siginfo_t how{};
      (void)::waitid(P_PID, static_cast<id_t>(process.pid), &how, WEXITED | WNOWAIT);
      if (how.si_code == CLD_KILLED && how.si_status == SIGXCPU)
        return ended(Errc::TooMany, "ended for using the processor too long: ask for less");
      return ended(Errc::Io, "the reader ended before its answer did: ask again");
    }
    held.append(buffer.data(), static_cast<std::size_t>(n));
    std::size_t from = 0;
    for (std::size_t at = held.find('\n'); at != std::string::npos; at = held.find('\n', from)) {
      const std::string_view one = std::string_view(held).substr(from, at + 1 - from);
      from = at + 1;
      const bool last = one.starts_with("{\"end\"") || one.starts_with("{\"error\"");
      // One that had too little memory ends once it has said so: it must not get the next question.
      process.spent = process.spent || one.starts_with("{\"error\":{\"code\":\"too-many\"");
      if (!line(one)) return ended(Errc::Io, "nobody wants the answer any more");
      if (last) return {};
    }
    held.erase(0, from);
  }
}

void ReaderPool::renew() {
  constexpr auto kMayFinish = std::chrono::seconds(2);
  std::vector<Process> idle;
  store::Lock lock(mutex_);
  const std::uint64_t before = generation_++;
  idle.swap(idle_);
  lock.unlock();
  for (Process& process : idle) end(process);
  lock.lock();
  // Over is over, though whoever asked may be waiting for a slow client: he sees it, and reaps it.
  const auto over = [&](const Process& p) {
    siginfo_t how{};
    return p.generation > before ||
           (::waitid(P_PID, static_cast<id_t>(p.pid), &how, WEXITED | WNOHANG | WNOWAIT) == 0 &&
            how.si_pid == p.pid);
  };
  const auto gone = [&] {
    mutex_.held();
    return ending_ == 0 && starting_ == 0 && std::all_of(busy_.begin(), busy_.end(), over);
  };
  constexpr auto kLook = std::chrono::milliseconds(10);
  for (auto wait = std::chrono::milliseconds(kMayFinish);
       !fewer_.wait_for(lock.waiting(), wait, gone); wait = kLook)
    for (const Process& p : busy_)
      if (p.generation <= before) ::kill(p.pid, SIGKILL);
  const bool wanted = !idle.empty() && !stopping_;
  lock.unlock();
  if (wanted) prepare();
}

void ReaderPool::stop() {
  std::vector<Process> idle;
  {
    const store::Lock guard(mutex_);
    stopping_ = true;
    idle.swap(idle_);
    for (const Process& p : busy_) ::kill(p.pid, SIGKILL);
  }
  for (Process& process : idle) end(process);
}

}  // namespace rollcall::net::inline readers
