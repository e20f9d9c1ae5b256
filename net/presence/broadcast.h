// Telling watchers: PresenceChanged on the engine's channels, and watchlists.
//
// Why this file exists: within one tick the last value of a user wins and what came to nothing is
// dropped, so a storm of reconnects says nothing at all. A lone change goes out at once; under load
// the tick grows from 50 ms to 1 s.
#pragma once

#include "net/hub/hub.h"
#include "net/loop/loop.h"
#include "net/presence/board.h"

#include <atomic>
#include <chrono>

namespace rollcall::net::inline presence {

/// The four edges' names: what others are told as the cause.
[[nodiscard]] std::string_view edge_of(engine::Presence from, engine::Presence to);
/// Microseconds as RFC 3339, coarsened as the app says (exact, minutes, day); empty for hidden.
[[nodiscard]] std::string published_time(engine::Micros at, std::string_view granularity);
/// {user, state, previous, cause, at, seq} as JSON text.
[[nodiscard]] std::string presence_changed(std::string_view user, const Board::Change& change);

class Broadcast {
 public:
  Broadcast(Board& board, Hub& hub, Loop& loop);
  ~Broadcast();
  Broadcast(const Broadcast&) = delete;
  Broadcast& operator=(const Broadcast&) = delete;

  /// Where names and texts are read. Gives nothing while the log is being opened anew: what is to
  /// be told waits until then.
  using Reading = std::function<std::shared_ptr<const store::ReadView>()>;
  void set_reading(Reading reading) { reading_ = std::move(reading); }
  /// Something became durable; from any thread.
  void notify();
  /// Each change of the batch, in the order of the log and at once: of a replay, whose listeners
  /// are auditors and hear of the state itself. The same of some changes that no event made, when
  /// the replay was moved.
  void tell_each(const store::Writer::Batch& batch);
  void tell_each(const std::vector<Board::Change>& changes);
  /// The replay is at another moment from here on: {at, seq}.
  void tell_moved(engine::Micros at, engine::Seq seq);
  /// To a connection that just signed in: how those it watches are.
  void tell_watchlist(
      ConnectionId connection, const std::vector<std::string>& users,
      const std::function<std::optional<engine::UserNumber>(const std::string&)>& number_of);
  /// To a subscriber that fell behind: the newest value of those who changed last.
  void tell_newest(ConnectionId connection, const std::string& channel);

 private:
  struct Inner;
  void due();
  void flush();

  Board& board_;
  Hub& hub_;
  Loop& loop_;
  std::unique_ptr<Inner> inner_;
  std::atomic<bool> posted_ = false;
  void flush_at(std::chrono::steady_clock::time_point when);
  void tell_notes(const store::ReadView& reading);
  Reading reading_;
};

}  // namespace rollcall::net::inline presence
