// The server: shards, apps, listening sockets, and its end.
//
// Besides the addresses of its settings it listens on DIR/socket, for whoever may open the store's
// files (net/access/local_caller.h).
//
// Why this file exists: it is the one place that knows every part and starts and stops them in
// order. SIGTERM and SIGINT drain: clients are told to connect again, staggered, and what was held
// back is written. SIGUSR2 does the same and starts the program anew on the same listening sockets,
// so that nobody finds the port closed. SIGHUP reads the TLS certificate again.
#pragma once

#include "net/presence/server_context.h"
#include "net/pusher/pusher.h"
#include "net/wire/client_address.h"

#include <chrono>
#include <thread>

namespace rollcall::net {

inline namespace http {
class Api;
}

class Server {
 public:
  /// Opens every app and listens; nothing is accepted before run().
  static store::Result<std::unique_ptr<Server>> start(Settings settings);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Called with the addresses listened on, once they are accepted from.
  std::function<void(const std::vector<std::string>&)> on_listening;

  /// Asked before a restart (SIGUSR2): why there can be none, where there can be none.
  std::function<std::optional<std::string>()> restart_problem;

  enum class Ended { Stopped, Restart };
  /// Until a signal; every shard runs on a thread of its own, the first on this one.
  Ended run();
  [[nodiscard]] const Settings& settings() const { return context_.settings; }
  /// A listening socket, to be handed to the program that follows.
  struct Handed {
    int fd = -1;
    std::string_view name;  ///< of sd_listen_fds_with_names(3)
  };
  [[nodiscard]] std::vector<Handed> listeners() const;

 private:
  struct Inner;
  explicit Server(Settings settings);
  store::Result<void> listen();
  void listen_locally();
  void accept(std::size_t listener);
  void serve(int fd, Peer peer);
  void drain(Ended how);
  void end_by(std::chrono::steady_clock::time_point deadline);
  void tick();
  /// Leaves to a worker what tick() sees to be due: whose sign-in or token has ended.
  void look_for_ended();

  ServerContext context_;
  std::uint64_t descriptors_max_ = 0;
  std::vector<std::unique_ptr<Pusher>> protocols_;
  std::unique_ptr<Api> api_;
  std::unique_ptr<Inner> inner_;
  std::atomic<bool> looking_ = false;  ///< a worker looks which sockets' sign-ins have ended
  std::size_t next_shard_ = 0;
  Ended ended_ = Ended::Stopped;
};

}  // namespace rollcall::net
