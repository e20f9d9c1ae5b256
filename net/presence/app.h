// An app as it runs: its settings, its live log, its channels and what joins them.
#pragma once

#include "net/access/vouched.h"
#include "net/hub/hub.h"
#include "net/loop/workers.h"
#include "net/presence/batch_listeners.h"
#include "net/presence/board.h"
#include "net/presence/broadcast.h"
#include "net/presence/played_members.h"
#include "net/presence/rooms.h"
#include "net/presence/sessions.h"
#include "net/readers/reader_pool.h"
#include "replay/playback.h"
#include "store/bytes/mutex.h"
#include "store/live.h"

#include <atomic>
#include <condition_variable>
#include <stop_token>

namespace rollcall::net::inline presence {

class Webhooks;

class App : public Tenant {
 public:
  /// Opens the log; an error where it cannot be opened or the clock is refused.
  static store::Result<std::unique_ptr<App>> open(const Settings& server,
                                                  const AppSettings& settings,
                                                  std::vector<DeliverySink*> shards, Loop& loop,
                                                  Workers& workers);
  ~App();
  App(const App&) = delete;
  App& operator=(const App&) = delete;

  [[nodiscard]] const store::Layout& layout() const { return layout_; }
  [[nodiscard]] Hub& hub() { return *hub_; }
  [[nodiscard]] Board& board() { return board_; }
  [[nodiscard]] store::LogSource& live() { return *live_; }
  [[nodiscard]] Sessions& sessions() { return *sessions_; }
  [[nodiscard]] Broadcast& broadcast() { return *broadcast_; }
  [[nodiscard]] Rooms& rooms() { return *rooms_; }
  [[nodiscard]] Vouched& vouched() { return vouched_; }
  /// The clock of the replay; null if the app is live.
  [[nodiscard]] replay::Playback* playback() { return playback_; }
  /// Who answers questions about its history.
  [[nodiscard]] ReaderPool& readers() { return *readers_; }
  /// What the connection was signed for here: it ends with that (net/access/vouched.h). From any
  /// thread.
  void vouch(ConnectionId connection, Voucher voucher);
  /// What the hub or the protocol tells webhooks, beside the log.
  void tell_webhooks(HubEvent event);

  /// Whether membership of the channel is logged.
  [[nodiscard]] bool attends(std::string_view channel) const;

  [[nodiscard]] BatchListeners& batch_listeners() { return batch_listeners_; }

  /// Runs work on a thread that has nothing else to do, which stop() waits for: the work must
  /// notice that its reader has gone. For what lasts, as streams do. False where the system gives
  /// no thread.
  [[nodiscard]] bool run_aside(std::function<void()> work);
  /// For what is over soon (net/v1/offload.h).
  [[nodiscard]] Workers& workers() { return workers_; }

  void stop();

  /// Runs `visit` on the thread of the connection's shard, with the connection or nothing.
  std::function<void(ConnectionId, std::function<void(Connection*)>)> with_connection;

  std::atomic<std::uint64_t> connections = 0;
  std::atomic<bool> stopping = false;
  /// Streams end; all else goes on until stop(). Requests of our own are given up by then.
  void drain(std::chrono::steady_clock::time_point until);
  /// Says to work that blocks, like a request to somebody else, that the app stops.
  [[nodiscard]] std::stop_token ending() const { return ending_.get_token(); }
  std::atomic<bool> draining = false;

  /// Signs a checkpoint over what is durable, where there is anything new.
  void sign();
  /// Why nothing can be signed, while that is so.
  [[nodiscard]] std::optional<std::string> signing_problem() const;

 private:
  /// Calls `work` at this interval until stop(), on the thread it is called on.
  void now_and_then(std::chrono::seconds every, const std::function<void()>& work);
  /// Notes, and logs where it is news, whether the key is there to sign by.
  void set_signing_problem(std::optional<std::string> problem);
  /// A snapshot, where there were enough events since the newest.
  void keep_snapshot();
  App(const AppSettings& settings, store::Layout layout, Workers& workers);
  [[nodiscard]] store::Result<void> go_live(const Settings& server);
  [[nodiscard]] store::Result<void> play(const Settings& server);
  /// What answers and is told, once there is a log.
  void serve(const Settings& server, std::function<AskedAt()> asked_at);
  /// The clock was set: how everything is then, and whose state differs from what was told.
  void place(const store::Fold& fold);
  Workers& workers_;
  store::Layout layout_;
  BatchListeners batch_listeners_;
  Board board_;
  Vouched vouched_;
  std::unique_ptr<Hub> hub_;
  std::unique_ptr<Broadcast> broadcast_;
  std::unique_ptr<store::LogSource> live_;
  replay::Playback* playback_ = nullptr;  ///< live_, if it is that
  store::Live* writing_ = nullptr;        ///< live_, if it is that
  std::unique_ptr<PlayedMembers> members_;
  std::unique_ptr<Sessions> sessions_;
  std::unique_ptr<Webhooks> webhooks_;
  std::unique_ptr<Rooms> rooms_;
  std::unique_ptr<ReaderPool> readers_;
  std::atomic<Rooms*> rooms_ready_ = nullptr;  ///< for the committer, which runs before it is made
  std::atomic<engine::Seq> signed_ = 0;
  mutable store::Mutex signing_mutex_;
  std::optional<std::string> signing_problem_ RC_GUARDED_BY(signing_mutex_);
  engine::Seq snapshot_ = 0;  ///< the newest one's, or of the last attempt
  store::Mutex stop_mutex_;
  std::condition_variable stopped_;
  Workers lasting_;  ///< streams, questions, what is done now and then
  std::stop_source ending_;
};

/// Every connection's tenant is an app.
[[nodiscard]] inline App& app_of(const Connection& connection) {
  return static_cast<App&>(*connection.tenant);
}

}  // namespace rollcall::net::inline presence
