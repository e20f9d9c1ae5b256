// Waiting, and waking whoever waits.
#include "net/loop/loop.h"

#include "store/bytes/errc.h"

#include <boost/asio/posix/stream_descriptor.hpp>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <new>
#include <string>
#include <string_view>

namespace rollcall::net::inline loop {
namespace {

constexpr int kEventsAtOnce = 512;
constexpr int kHandlersAtOnce = 64;  // of Asio in a turn: connections are not kept waiting

[[noreturn]] void fail(const std::string& what) {
  throw store::Failure({store::Errc::Io, what + ": " + std::strerror(errno)});
}

/// Whether the descriptor is an epoll set that watches `watched`: proc_pid_fdinfo(5) has a line
/// "tfd: N …" for each descriptor in it.
bool watches(const std::filesystem::path& fdinfo, int watched) {
  std::ifstream file(fdinfo);
  std::string word;
  while (file >> word) {
    int number = -1;
    if (word == "tfd:" && file >> number && number == watched) return true;
  }
  return false;
}

/// The epoll set in which the io_context waits. Asio keeps it to itself, so a descriptor is given
/// to Asio and the set that has it looked for.
int reactor_of(boost::asio::io_context& io, int some_fd) {
  boost::asio::posix::stream_descriptor mark(io, ::fcntl(some_fd, F_DUPFD_CLOEXEC, 0));
  std::error_code ec;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fdinfo", ec))
    if (watches(entry.path(), mark.native_handle()))
      return std::atoi(entry.path().filename().c_str());
  throw store::Failure({store::Errc::Io,
                        "/proc/self/fdinfo does not show the descriptors of this process: mount "
                        "/proc where the server runs"});
}

}  // namespace

Loop::Loop() {
  set_ = ::epoll_create1(EPOLL_CLOEXEC);
  if (set_ < 0) fail("epoll_create1");
  bell_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (bell_ < 0) fail("eventfd");
  // Edge by edge, so that the bell need not be read: each ring is an event.
  if (!add(bell_, EPOLLIN | EPOLLET, nullptr) || !add(reactor_of(io_, bell_), EPOLLIN, this))
    fail("epoll_ctl");
}

Loop::~Loop() {
  ::close(bell_);
  ::close(set_);
}

bool Loop::control(int operation, int fd, std::uint32_t what, void* whose) {
  epoll_event event{};
  event.events = what;
  event.data.ptr = whose;
  return ::epoll_ctl(set_, operation, fd, &event) == 0;
}

bool Loop::add(int fd, std::uint32_t what, void* whose) {
  return control(EPOLL_CTL_ADD, fd, what, whose);
}

void Loop::change(int fd, std::uint32_t what, void* whose) {
  (void)control(EPOLL_CTL_MOD, fd, what, whose);
}

void Loop::remove(int fd) { (void)::epoll_ctl(set_, EPOLL_CTL_DEL, fd, nullptr); }

void Loop::ring() {
  if (io_.get_executor().running_in_this_thread()) return;  // its turn goes on until all is done
  rung_ = true;
  if (!waits_.exchange(false)) return;
  const std::uint64_t one = 1;
  (void)!::write(bell_, &one, sizeof one);
}

void Loop::stop() {
  io_.stop();
  ring();
}

[[gnu::hot]] void Loop::run(const std::function<void(std::span<const epoll_event>)>& ready,
                            const std::function<void()>& over) {
  std::array<epoll_event, kEventsAtOnce> events;
  while (!io_.stopped()) {
    bool for_asio = rung_.exchange(false);
    if (!for_asio) {
      // Whoever rings from here on sees that we wait, or we see that it rang.
      waits_ = true;
      for_asio = rung_.exchange(false);
    }
    const int n = ::epoll_wait(set_, events.data(), kEventsAtOnce, for_asio ? 0 : -1);
    waits_ = false;
    int connections = 0;
    for (int i = 0; i < n; ++i) {
      const auto at = static_cast<std::size_t>(i);
      void* whose = events[at].data.ptr;
      if (whose == this || whose == nullptr)
        for_asio = true;
      else
        events[static_cast<std::size_t>(connections++)] = events[at];
    }
    try {
      if (connections > 0) ready(std::span(events).first(static_cast<std::size_t>(connections)));
      if (rung_.exchange(false)) for_asio = true;
      if (for_asio) {
        int handled = 0;
        while (handled < kHandlersAtOnce && io_.poll_one() != 0) ++handled;
        if (handled == kHandlersAtOnce) rung_ = true;
      }
      over();
    } catch (const std::bad_alloc&) {
      // One handler had no memory for what it was asked: its request goes unanswered, nobody
      // else's.
      rung_ = true;
      static constexpr std::string_view kSaid = "out of memory: something asked is not answered\n";
      (void)!::write(STDERR_FILENO, kSaid.data(), kSaid.size());
    }
  }
}

}  // namespace rollcall::net::inline loop
