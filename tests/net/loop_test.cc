// A thread's loop: its connections' set, and Asio beside it.
#include "net/loop/loop.h"

#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <catch2/catch.hpp>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <optional>
#include <thread>
#include <vector>

using rollcall::net::Loop;
using namespace std::chrono_literals;

namespace {

/// Runs the loop on a thread of its own until it is stopped; what connections have goes to `ready`.
class Running {
 public:
  explicit Running(std::function<void(std::span<const epoll_event>)> ready =
                       [](std::span<const epoll_event>) {})
      : thread_([this, ready = std::move(ready)] { loop.run(ready); }) {}
  ~Running() {
    loop.stop();
    thread_.join();
  }
  Loop loop;

 private:
  std::thread thread_;
};

/// Something that another thread sets and this one waits for.
class Flag {
 public:
  void set() { set_.store(true), set_.notify_all(); }
  void wait() const { set_.wait(false); }

 private:
  std::atomic<bool> set_ = false;
};

}  // namespace

TEST_CASE("a loop that waits is woken by what another thread posts", "[net]") {
  Running running;
  std::size_t seen = 0;  // of the loop's thread
  for (std::size_t i = 1; i <= 2000; ++i) {
    Flag done;
    running.loop.post([&] {
      ++seen;
      done.set();
    });
    done.wait();
    REQUIRE(seen == i);
  }
}

TEST_CASE("nothing that many threads post at once is forgotten", "[net]") {
  constexpr std::size_t kThreads = 4, kEach = 20'000;
  Running running;
  std::size_t seen = 0;
  Flag all;
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < kThreads; ++t)
    threads.emplace_back([&] {
      for (std::size_t i = 0; i < kEach; ++i)
        running.loop.post([&] {
          if (++seen == kThreads * kEach) all.set();
        });
    });
  for (std::thread& thread : threads) thread.join();
  all.wait();
  CHECK(seen == kThreads * kEach);
}

TEST_CASE("a loop that waits is woken by Asio's timers and sockets", "[net]") {
  Running running;
  boost::asio::steady_timer timer(running.loop.io());
  boost::asio::local::stream_protocol::socket socket(running.loop.io());
  std::array<int, 2> pair{};
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, pair.data()) == 0);
  Flag fired, received;
  std::array<char, 8> bytes{};
  running.loop.post([&] {
    timer.expires_after(20ms);
    timer.async_wait([&](const boost::system::error_code&) { fired.set(); });
    socket.assign(boost::asio::local::stream_protocol(), pair[0]);
    socket.async_read_some(boost::asio::buffer(bytes),
                           [&](const boost::system::error_code&, std::size_t n) {
                             if (n == 2) received.set();
                           });
  });
  fired.wait();
  REQUIRE(::write(pair[1], "hi", 2) == 2);
  received.wait();
  ::close(pair[1]);
  Flag closed;
  running.loop.post([&] {
    boost::system::error_code ec;
    socket.close(ec);
    closed.set();
  });
  closed.wait();
}

TEST_CASE("what connections have is told with whose it is, and may post to the loop", "[net]") {
  std::array<int, 2> pair{};
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, pair.data()) == 0);
  int whose = 0;
  Flag posted;
  Loop* loop = nullptr;
  Running running([&](std::span<const epoll_event> events) {
    for (const epoll_event& event : events) {
      char c = 0;
      if (event.data.ptr == &whose && ::read(pair[0], &c, 1) == 1)
        loop->post([&] { posted.set(); });
    }
  });
  Flag added;
  running.loop.post([&] {
    loop = &running.loop;
    if (running.loop.add(pair[0], EPOLLIN, &whose)) added.set();
  });
  added.wait();
  REQUIRE(::write(pair[1], "x", 1) == 1);
  posted.wait();
  ::close(pair[0]);
  ::close(pair[1]);
}

TEST_CASE("a removed descriptor is not told of, even while another process has its socket",
          "[net]") {
  std::array<int, 2> pair{}, other{};
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, pair.data()) == 0);
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, other.data()) == 0);
  const int kept = ::dup(pair[0]);  // as a child between fork and exec has it
  int gone = 0, here = 0;
  std::atomic<int> wrong = 0;
  Flag heard;
  Running running([&](std::span<const epoll_event> events) {
    for (const epoll_event& event : events) {
      if (event.data.ptr == &gone) ++wrong;
      if (event.data.ptr == &here) heard.set();
    }
  });
  Flag removed;
  running.loop.post([&] {
    const bool both =
        running.loop.add(pair[0], EPOLLIN, &gone) && running.loop.add(other[0], EPOLLIN, &here);
    running.loop.remove(pair[0]);
    ::close(pair[0]);
    if (both) removed.set();
  });
  removed.wait();
  REQUIRE(::write(pair[1], "x", 1) == 1);
  REQUIRE(::write(other[1], "x", 1) == 1);
  heard.wait();
  CHECK(wrong == 0);
  ::close(kept);
  ::close(pair[1]);
  ::close(other[0]);
  ::close(other[1]);
}

TEST_CASE("Asio's work that never ends does not keep connections waiting", "[net]") {
  std::array<int, 2> pair{};
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, pair.data()) == 0);
  int whose = 0;
  Flag heard;
  Running running([&](std::span<const epoll_event>) { heard.set(); });
  std::function<void()> again = [&] { boost::asio::post(running.loop.io(), again); };
  running.loop.post(again);
  running.loop.post([&] { (void)running.loop.add(pair[0], EPOLLIN, &whose); });
  REQUIRE(::write(pair[1], "x", 1) == 1);
  heard.wait();
  ::close(pair[0]);
  ::close(pair[1]);
}

TEST_CASE("a turn is over when all that Asio could do at once is done", "[net]") {
  constexpr std::size_t kEach = 20;
  Loop loop;
  std::size_t seen = 0, turns = 0;
  std::vector<std::size_t> at_the_end;
  for (std::size_t i = 0; i < kEach; ++i)
    loop.post([&] {
      boost::asio::post(loop.io(), [&] { ++seen; });  // what follows from it is the same turn's
    });
  loop.run([](std::span<const epoll_event>) {},
           [&] {
             at_the_end.push_back(seen);
             if (++turns == 1) loop.stop();
           });
  CHECK(at_the_end == std::vector<std::size_t>{kEach});
}
