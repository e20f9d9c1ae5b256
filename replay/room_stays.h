// Who attended which room, from when to when.
//
// Why this file exists: a person may be in a room with several connections, and a server that dies
// takes its members along. The reducer says who came in first and went out last; this file follows
// that and knows when it really ended.
#pragma once

#include "replay/report_range.h"

#include <map>

namespace rollcall::replay {

struct RoomStay {
  std::uint64_t channel = 0;  ///< its number in the log
  UserNumber user = 0;
  Micros from = 0, to = 0;  ///< cut to the range
  bool ended = false;       ///< else still there at its end
};

class RoomStays {
 public:
  RoomStays(const ReportRange& range, People only);
  [[nodiscard]] static engine::Effects wanted();
  void begin(const engine::State& state);
  void take(const store::Fold::Step& step);
  /// All of them, by room, person and time.
  [[nodiscard]] std::vector<RoomStay> end();

 private:
  using Place = std::pair<std::uint64_t, UserNumber>;

  const ReportRange& range_;
  People only_;
  std::map<Place, Micros> open_;  ///< since when
  std::vector<RoomStay> stays_;
};

}  // namespace rollcall::replay
