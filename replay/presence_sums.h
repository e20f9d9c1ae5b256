// How long each person was online and away, in all or day by day, in one pass over the log.
//
// Why this file exists: time is summed by the states of people, not of their sessions, so sessions
// that overlap count once. A person's time lies open until something happens to him, and is then
// cut at the midnights and the gaps in between; nothing is allocated for an event.
#pragma once

#include "replay/report_range.h"
#include "replay/time_zone.h"

#include <limits>

namespace rollcall::replay {

class PresenceSums {
 public:
  /// What one person was on one day, or in the whole range.
  struct Cell {
    Micros online = 0, away = 0;
    Micros unknown = 0;  ///< nobody watched, and the person was here when the last was known
    /// Of the first and the last sign of life: a login, an activity, the person's own logout.
    Micros first_seen = std::numeric_limits<Micros>::max();
    Micros last_seen = std::numeric_limits<Micros>::min();
    std::int64_t day = 0;        ///< as day_at() numbers them; 0 without days
    std::uint32_t sessions = 0;  ///< open at any moment of it, its end included
    std::uint32_t earlier = 0;   ///< the cell before it of the same person
  };

  /// By the days of `zone`; null: the whole range is one. `unwatched` is what read_range()
  /// keeps.
  PresenceSums(const ReportRange& range, const TimeZone* zone, People only,
               const Unwatched& unwatched);

  /// What take() is to be handed beside transitions.
  [[nodiscard]] static engine::Effects wanted();
  void begin(const engine::State& state);
  /// An event about that person comes soon.
  void expect(UserNumber user) const;
  void take(const store::Fold::Step& step);
  void end();

  /// Numbers are below this.
  [[nodiscard]] UserNumber users() const { return static_cast<UserNumber>(tracks_.size()); }
  /// Of one person, ascending by day; empty for who was never here. Until the next call.
  [[nodiscard]] const std::vector<const Cell*>& of(UserNumber user);

 private:
  static constexpr std::uint32_t kNone = 0xFFFFFFFF;
  /// One person as the pass goes on. What is needed for an event lies together.
  struct Track {
    Cell newest;             ///< of the newest day
    Micros since = 0;        ///< up to here all is in cells
    std::uint32_t open = 0;  ///< sessions
    engine::Presence is = engine::Presence::Offline;
    bool begun = false;  ///< there is a newest day
  };
  Track& track(UserNumber user);
  [[nodiscard]] const Stretch& day_of(Micros at);
  Cell& cell(Track& track, std::int64_t day);
  [[nodiscard]] Cell* found(Track& track, std::int64_t day);
  void settle(Track& track, Micros now);
  void see(Track& track, Micros at);

  const ReportRange& range_;
  const TimeZone* zone_;
  People only_;
  const Unwatched& unwatched_;
  std::vector<Stretch> days_;  ///< from the range's beginning on; the last is the newest
  std::vector<Track> tracks_;  ///< by number
  std::vector<Cell> cells_;    ///< of days that are over
  std::vector<const Cell*> listed_;
};

}  // namespace rollcall::replay
