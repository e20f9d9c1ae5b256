// How many people were here at once, cut into hours, days or whatever pieces of time are wanted.
//
// Why this file exists: a curve of concurrency and a grid of hours by weekday are the same pass
// over the log: two counts that change with people's states, summed over each piece.
#pragma once

#include "replay/report_range.h"
#include "replay/time_zone.h"

#include <array>
#include <functional>

namespace rollcall::replay {

class HeadCount {
 public:
  struct Piece {
    Stretch time;                       ///< cut to the range
    Micros online_us = 0, away_us = 0;  ///< summed over people
    Micros unknown_us = 0;              ///< of those who were here when nobody watched
    Micros watched_us = 0;              ///< of the piece
    std::uint64_t online_max = 0;       ///< at once, for any time at all
  };
  /// `cut` gives the stretch around a moment; `piece` gets each, ascending, when it is over.
  HeadCount(const ReportRange& range, People only, const Unwatched& unwatched,
            std::function<Stretch(Micros)> cut, std::function<void(const Piece&)> piece);

  void begin(const engine::State& state);
  void take(const store::Fold::Step& step);
  void end();

 private:
  void pass(Micros until);
  void open_piece(Micros at);

  const ReportRange& range_;
  People only_;
  const Unwatched& unwatched_;
  std::function<Stretch(Micros)> cut_;
  std::function<void(const Piece&)> put_;
  Piece now_;
  Micros at_ = 0;                         ///< up to here all is in pieces
  std::size_t dark_ = 0;                  ///< the first unwatched time that ends after it
  std::array<std::uint64_t, 3> count_{};  ///< people by presence; of Offline only who left
};

}  // namespace rollcall::replay
