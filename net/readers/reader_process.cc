// The reader's loop.
#include "net/readers/reader_process.h"

#include "replay/question/answer.h"
#include "store/log/event_clock.h"

#include <boost/json.hpp>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <new>
#include <optional>
#include <string>
#include <thread>

namespace rollcall::net::inline readers {
namespace {

namespace json = boost::json;

constexpr int kServer = STDIN_FILENO;
constexpr int kLast = 19;  // setpriority(2): the lowest priority there is
constexpr std::size_t kLineMost = 8U << 20;

/// Whether a server of this very program started us: what it hands over it has logged as a read,
/// which nobody else would.
bool started_by_own_program() {
  ucred server{};
  socklen_t size = sizeof server;
  if (::getsockopt(kServer, SOL_SOCKET, SO_PEERCRED, &server, &size) != 0 ||
      server.pid != ::getppid())
    return false;
  struct stat own {
  }, other{};
  const std::string its = "/proc/" + std::to_string(server.pid) + "/exe";
  return ::stat("/proc/self/exe", &own) == 0 && ::stat(its.c_str(), &other) == 0 &&
         own.st_dev == other.st_dev && own.st_ino == other.st_ino;
}

/// The next line; nothing once the server has gone.
std::optional<std::string> next_line(std::string& held) {
  while (true) {
    if (const auto end = held.find('\n'); end != std::string::npos) {
      std::string line = held.substr(0, end);
      held.erase(0, end + 1);
      return line;
    }
    if (held.size() > kLineMost) return std::nullopt;
    char buffer[16384];
    const ssize_t n = ::recv(kServer, buffer, sizeof buffer, 0);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return std::nullopt;
    held.append(buffer, static_cast<std::size_t>(n));
  }
}

bool send_all(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::send(kServer, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

std::atomic<bool> busy = false;  // with a question

/// Whatever this process does, it ends with its server, however that was: here, if it is busy; else
/// the loop that waits for a question sees it, and cleans up.
void end_with_server() {
  std::thread([] {
    while (true) {
      pollfd fd{kServer, POLLRDHUP, 0};
      if (::poll(&fd, 1, -1) <= 0) continue;
      if (busy) ::_exit(0);
      ::poll(nullptr, 0, 100);
    }
  }).detach();
}

void limit(int what, rlim_t soft, rlim_t hard) {
  const rlimit both{soft, hard};
  (void)::setrlimit(static_cast<__rlimit_resource_t>(what), &both);
}

/// So many seconds more; SIGXCPU ends the process, and the server says why.
void allow_processor(std::uint64_t seconds) {
  if (seconds == 0) return limit(RLIMIT_CPU, RLIM_INFINITY, RLIM_INFINITY);
  rusage used{};
  (void)::getrusage(RUSAGE_SELF, &used);
  const auto before = static_cast<rlim_t>(used.ru_utime.tv_sec + used.ru_stime.tv_sec);
  limit(RLIMIT_CPU, before + 1 + seconds, RLIM_INFINITY);
}

/// Lines of an answer leave together; the first at once, so that whoever reads sees something.
class Lines {
 public:
  bool put(std::string_view line) {
    constexpr std::size_t kTogether = 32U << 10;
    held_ += line;
    if (!first_ && held_.size() < kTogether && !line.starts_with("{\"progress\"")) return !failed_;
    first_ = false;
    return flush();
  }
  bool flush() {
    failed_ = failed_ || !send_all(held_);
    held_.clear();
    return !failed_;
  }

 private:
  std::string held_;
  bool first_ = true, failed_ = false;
};

/// The log is followed; a reader that could not follow opens it anew.
store::Result<const replay::Reader*> caught_up(std::optional<replay::Reader>& reader,
                                               const store::Layout& layout) {
  if (reader) {
    if (reader->catch_up()) return &*reader;
    reader.reset();
  }
  auto opened = replay::Reader::open(layout, store::Log::Mode::Follow);
  if (!opened) return opened.error();
  RC_TRY(opened->catch_up());
  reader.emplace(std::move(*opened));
  return &*reader;
}

void answer(std::optional<replay::Reader>& reader, const store::Layout& layout,
            const json::object& request) {
  Lines lines;
  const auto put = [&](std::string line) { return lines.put(line); };
  try {
    const std::string name(request.at("question").as_string());
    replay::Desk desk{layout, nullptr, store::wall_now()};
    desk.watched = replay::Watched::ToNow;  // by the server that hands over the question
    allow_processor(request.at("cpu_s").to_number<std::uint64_t>());
    if (replay::opens_of(name) == replay::Opens::Log) {
      const auto open = caught_up(reader, layout);
      if (!open) {
        (void)put(replay::error_line(open.error()));
        (void)lines.flush();
        return;
      }
      desk.reader = *open;
      if (request.contains("last")) {
        reader->end_at(request.at("last").to_number<std::uint64_t>());
        desk.now = request.at("now").to_number<std::int64_t>();
      }
    }
    const auto as =
        request.at("entries").as_bool() ? replay::EventsAs::Entries : replay::EventsAs::Json;
    replay::answer_in_lines(desk, name, request.at("ask").as_object(), as,
                            request.at("rows_most").to_number<std::uint64_t>(), put);
  } catch (const std::bad_alloc&) {
    reader.reset();
    (void)put(replay::error_line(
        {store::Errc::TooMany, "this needs more memory than there may be: ask for less"}));
    (void)lines.flush();
    ::_exit(1);  // what was freed in pieces would be missing for the next question
  } catch (const std::exception& error) {
    (void)put(replay::error_line({store::Errc::Io, error.what()}));
  }
  (void)lines.flush();
}

}  // namespace

int run_reader() {
  if (!started_by_own_program()) return 1;
  std::string held;
  const auto first = next_line(held);
  boost::system::error_code ec;
  const json::value said = first ? json::parse(*first, ec) : json::value(nullptr);
  if (!first || ec || !said.is_object()) return 1;
  store::Layout layout;
  try {
    const json::object& o = said.get_object();
    auto located =
        store::locate(std::string(o.at("data").as_string()), std::string(o.at("app").as_string()));
    if (!located) return 1;
    layout = *located;
    const auto memory_mb = o.at("memory_mb").to_number<std::uint64_t>();
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    if (memory_mb != 0) limit(RLIMIT_AS, memory_mb << 20, memory_mb << 20);  // shadows are larger
#else
    (void)memory_mb;
#endif
    if (o.at("nice").as_bool()) (void)::setpriority(PRIO_PROCESS, 0, kLast);
  } catch (const std::exception&) {
    return 1;
  }
  limit(RLIMIT_CORE, 0, 0);  // it would hold what was read
  end_with_server();
  std::optional<replay::Reader> reader;
  if (auto opened = replay::Reader::open(layout, store::Log::Mode::Follow))
    reader.emplace(std::move(*opened));  // else it is tried again, and said, at the first question
  while (const auto line = next_line(held)) {
    const json::value request = json::parse(*line, ec);
    if (ec || !request.is_object()) return 1;
    busy = true;
    answer(reader, layout, request.get_object());
    busy = false;
  }
  return 0;
}

}  // namespace rollcall::net::inline readers
