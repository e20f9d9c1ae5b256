// Who came to a logged channel and who left it, as webhooks tell it, out of the log's headers.
//
// Why this file exists: what a webhook says, and in which pieces, must be a function of the log and
// of what was sent before. Then a request that is repeated, also after a crash, has the same bytes,
// and a test needs no server. A leave that is undone within three seconds of the log's time is
// nothing; one that stands is told three seconds later, so comings and goings are counted apart.
#pragma once

#include "engine/attendance.h"

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rollcall::net::inline presence {

struct WebhookCursor;

class Comings {
 public:
  using Clock = std::chrono::steady_clock;

  /// One event may change many places (a server that ended): seq, and which of its changes.
  using Position = std::pair<engine::Seq, std::uint32_t>;
  struct Change {
    Position position;
    engine::Micros at = 0;
    std::uint64_t channel = 0;
    engine::UserNumber user = 0;
    bool added = false;
  };
  /// How far the log has been told: additions and removals up to here, these included.
  struct Told {
    Position added, removed;
    bool operator==(const Told&) const = default;
  };
  static Told all_until(engine::Seq seq) { return {{seq, kLastOrdinal}, {seq, kLastOrdinal}}; }

  /// Goes on after `told`. Which kinds are wanted at all is the settings' affair.
  Comings(Told told, bool wants_added, bool wants_removed)
      : told_(told), wants_added_(wants_added), wants_removed_(wants_removed) {}

  /// Every header of the log, in order from the first.
  void take(const engine::Header& header, Clock::time_point now);
  /// Leaves that were not undone in time become ready.
  void settle(Clock::time_point now);
  /// What may be told now, at most so many, in order.
  [[nodiscard]] std::vector<Change> next(std::size_t most) const;
  /// The same, as a batch that was begun before: what is ready up to `bounds`.
  [[nodiscard]] std::vector<Change> within(const Told& bounds) const;
  /// How far the log will have been told with these.
  [[nodiscard]] Told after(const std::vector<Change>& changes) const;
  /// These were told, or need not be.
  void tell(const std::vector<Change>& changes, const Told& bounds);

  /// To go on from after a restart; the batch that is begun, if one is, is the caller's to add.
  [[nodiscard]] WebhookCursor cursor() const;
  [[nodiscard]] engine::Seq reached() const { return reached_; }
  /// Whether no leave up to there is still waiting to stand.
  [[nodiscard]] bool decided(const Position& removed) const;
  [[nodiscard]] std::size_t ready() const { return ready_added_.size() + ready_removed_.size(); }

 private:
  static constexpr std::uint32_t kLastOrdinal = ~std::uint32_t{0};
  using Place = std::pair<std::uint64_t, engine::UserNumber>;  // channel, user
  struct Leaving {
    Change change;
    Clock::time_point due;
  };

  /// The first leave that still waits; nothing where none does.
  [[nodiscard]] std::optional<Position> first_leaving() const;
  void change(const engine::Header& header, const Place& place, bool added, Clock::time_point now);
  void make_ready(const Change& change);

  Told told_;
  bool wants_added_, wants_removed_;
  engine::Seq reached_ = 0;
  std::uint32_t ordinal_ = 0;  ///< of the next change of the header at hand
  engine::Members members_;
  engine::Effects did_;  ///< what the header at hand did
  std::map<Place, Leaving> leaving_;
  std::deque<std::pair<Place, Position>> leaving_order_;  ///< the eldest first; undone ones as well
  std::map<Position, Change> ready_added_, ready_removed_;
};

/// Where a webhook is in the log, as it is kept in the log's meta family.
struct WebhookCursor {
  engine::Seq done = 0;  ///< nothing up to here is still to be told
  Comings::Told told;
  std::optional<Comings::Told> begun;  ///< the batch that was being sent
};
[[nodiscard]] std::string render(const WebhookCursor& cursor);
[[nodiscard]] std::optional<WebhookCursor> parse_webhook_cursor(std::string_view text);

}  // namespace rollcall::net::inline presence
