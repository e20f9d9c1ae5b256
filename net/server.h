// The server: shards, apps, listening sockets, and its end.
//
// Why this file exists: it is the one place that knows every part and starts and stops them in
// order. SIGTERM and SIGINT drain: clients are told to connect again, staggered, and what was held
// back is written. SIGUSR2 does the same and starts the program anew on the same listening sockets,
// so that nobody finds the port closed. SIGHUP reads the TLS certificate again.
#pragma once

#include "net/app.h"
#include "net/exchange.h"
#include "net/pusher.h"
#include "net/quota.h"
#include "net/workers.h"

#include <chrono>
#include <thread>

namespace rollcall::net {

class Api;
class Tls;

/// One more of what is counted, for as long as this lives.
class Counted {
 public:
  explicit Counted(std::atomic<std::size_t>& count) : count_(count) { ++count_; }
  ~Counted() { --count_; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;

 private:
  std::atomic<std::size_t>& count_;
};

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
  /// The listening sockets, to be handed to the program that follows.
  [[nodiscard]] std::vector<int> listeners() const;

  [[nodiscard]] const Settings& settings() const { return settings_; }
  [[nodiscard]] App* app_by_key(std::string_view key);
  [[nodiscard]] App* app_by_id(std::string_view id);
  [[nodiscard]] const std::vector<std::unique_ptr<App>>& apps() const { return apps_; }
  [[nodiscard]] std::size_t connections() const;
  [[nodiscard]] bool draining() const { return draining_; }
  [[nodiscard]] Api& api() { return *api_; }
  [[nodiscard]] Tls& tls() { return *tls_; }
  [[nodiscard]] Quotas& quotas() { return quotas_; }
  [[nodiscard]] Workers& workers() { return *workers_; }

  /// Sockets that have not said yet what they want, shake hands for TLS, or speak HTTP: they hold
  /// descriptors, too.
  std::atomic<std::size_t> conversations = 0;
  std::atomic<std::size_t> tls_pairs = 0;  ///< each two descriptors more
  /// Requests whose answer is under way, streams among them: an end waits for them, briefly.
  std::atomic<std::size_t> answering = 0;

  /// Whether another handshake may be made just now.
  [[nodiscard]] bool admit();

 private:
  struct Inner;
  explicit Server(Settings settings);
  store::Result<void> listen();
  void accept(std::size_t listener);
  void serve(int fd, std::string peer, bool tls);
  void drain(Ended how);
  void end_by(std::chrono::steady_clock::time_point deadline);
  void tick();
  /// Leaves to a worker what tick() sees to be due: whose sign-in or token has ended.
  void look_for_ended();

  Settings settings_;
  Quotas quotas_{settings_.callers};
  std::uint64_t descriptors_max_ = 0;
  std::unique_ptr<Workers> workers_;
  std::vector<std::unique_ptr<Shard>> shards_;
  std::vector<std::unique_ptr<Pusher>> protocols_;
  std::vector<std::unique_ptr<App>> apps_;
  std::unique_ptr<Api> api_;
  std::unique_ptr<Tls> tls_;
  std::unique_ptr<Inner> inner_;
  std::atomic<bool> draining_ = false;
  std::atomic<bool> looking_ = false;  ///< a worker looks which sockets' sign-ins have ended
  std::size_t next_shard_ = 0;
  Ended ended_ = Ended::Stopped;
  std::mutex bucket_mutex_;
  double bucket_ = 0;
  std::chrono::steady_clock::time_point bucket_at_{};
};

}  // namespace rollcall::net
