// One thread's loop: established connections in an epoll set, and Asio for everything rare.
//
// Why this file exists: an idle connection that pings must cost its thread three system calls
// (wait, receive, send) and nothing of Asio. So the thread waits in the connections' own set, and
// the set in which Asio waits is one descriptor of it: the io_context is polled when there is
// something for it to do. (The other way round, Asio waiting on our set, every ping takes two waits
// and a re-arming more, and half as much CPU again.)
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <sys/epoll.h>

#include <atomic>
#include <functional>
#include <span>
#include <utility>

namespace rollcall::net::inline loop {

class Loop {
 public:
  /// Throws store::Failure where the system gives no descriptors.
  Loop();
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  /// For sockets and timers of this thread. From another thread nothing may be posted to it but
  /// through post(): an io_context that is polled does not wake anybody.
  [[nodiscard]] boost::asio::io_context& io() { return io_; }

  /// Runs `work` on the loop's thread, soon. From any thread.
  template <class Work>
  void post(Work&& work) {
    boost::asio::post(io_, std::forward<Work>(work));
    ring();
  }

  /// Adds a descriptor to the connections' set, or changes what it is watched for (EPOLLIN, …).
  /// `whose` is what an event's data.ptr will be, never null. False where the system refuses.
  [[nodiscard]] bool add(int fd, std::uint32_t what, void* whose);
  void change(int fd, std::uint32_t what, void* whose);
  /// Before it is closed: a child of this process that has not called exec yet has the socket, too,
  /// and would keep it in the set.
  void remove(int fd);

  /// Until stop(). In each turn `ready` is given what connections have, if anything; then Asio does
  /// what it can do at once (within bounds, so that connections are not kept waiting); then comes
  /// `over`.
  void run(
      const std::function<void(std::span<const epoll_event>)>& ready,
      const std::function<void()>& over = [] {});
  /// From any thread.
  void stop();

 private:
  void ring();
  bool control(int operation, int fd, std::uint32_t what, void* whose);

  boost::asio::io_context io_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> busy_{
      io_.get_executor()};
  int set_ = -1;                   ///< connections, the bell, and Asio's set
  int bell_ = -1;                  ///< an eventfd: wakes a thread that waits
  std::atomic<bool> rung_ = true;  ///< the io_context may have something to do
  std::atomic<bool> waits_ = false;
};

}  // namespace rollcall::net::inline loop
