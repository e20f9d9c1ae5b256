// What a running server shares with whatever meets a request: settings, apps, admission, counters.
//
// Why this file exists: a handshake, a session over HTTP and the API need these, and nothing of how
// the server listens, drains and ends (net/server.h), which knows all of them.
#pragma once

#include "net/access/quota.h"
#include "net/hub/shard.h"
#include "net/loop/tls.h"
#include "net/loop/workers.h"
#include "net/presence/app.h"
#include "store/bytes/mutex.h"

#include <atomic>
#include <chrono>
#include <memory>
#include <string_view>
#include <vector>

namespace rollcall::net::inline presence {

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

struct ServerContext {
  explicit ServerContext(Settings of) : settings(std::move(of)) {}

  Settings settings;
  Quotas quotas{settings.callers};
  std::unique_ptr<Workers> workers;
  std::unique_ptr<Tls> tls;  ///< null unless there is a certificate
  std::vector<std::unique_ptr<Shard>> shards;
  std::vector<std::unique_ptr<App>> apps;  ///< all there are, before anything is accepted

  /// Sockets that have not said yet what they want, shake hands for TLS, or speak HTTP: they hold
  /// descriptors, too.
  std::atomic<std::size_t> http_sessions = 0;
  std::atomic<std::size_t> tls_pairs = 0;  ///< each two descriptors more
  /// Requests whose answer is under way, streams among them: an end waits for them, briefly.
  std::atomic<std::size_t> answering = 0;
  std::atomic<bool> draining = false;

  [[nodiscard]] App* app_by_key(std::string_view key) const;
  [[nodiscard]] App* app_by_id(std::string_view id) const;
  [[nodiscard]] std::size_t connections() const;
  /// Whether another handshake may be made just now (Settings::handshakes_per_s).
  [[nodiscard]] bool admit();

 private:
  store::Mutex bucket_mutex_;
  double bucket_ RC_GUARDED_BY(bucket_mutex_) = 0;
  std::chrono::steady_clock::time_point bucket_at_ RC_GUARDED_BY(bucket_mutex_){};
};

}  // namespace rollcall::net::inline presence
