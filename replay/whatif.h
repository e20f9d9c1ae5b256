// History under another policy: the production sequencer makes the timers' conclusions anew.
//
// Why this file exists: what people and nodes did stays as it was logged; what timers concluded
// from it is dropped and made again, under other limits, without somebody, or with a node lost.
// With nothing changed the very same conclusions come out, which is what makes the answer credible.
#pragma once

#include "replay/reader.h"

#include <functional>
#include <map>
#include <optional>

namespace rollcall::replay {

struct WhatIf {
  /// Applied to every policy of the range, that at its begin included.
  std::function<void(engine::Policy&)> change = [](engine::Policy&) {};
  bool changes_sessions_max = false;  ///< then sessions are superseded anew, too
  UserNumber without = 0;             ///< as if they had done nothing; 0: nobody is left out
  std::optional<std::uint32_t> lose_node;
  Micros lose_at = 0;        ///< when it is lost
  Seq before = 0, last = 0;  ///< the range: what comes after `before`, up to and with `last`
  std::optional<Micros> at;  ///< a moment at which both are to be compared
};

/// An edge or a number in what happened, and in what would have.
template <class T>
struct Both {
  T actual{}, what_if{};
};

struct WhatIfReport {
  engine::Policy policy;  ///< in force at the end of it
  std::map<std::pair<engine::Presence, engine::Presence>, Both<std::uint64_t>> transitions;
  Both<Micros> online, away;  ///< of everybody, within the range
  Both<std::uint64_t> peak;   ///< most online at once
  struct User {
    Both<Micros> online, away;
  };
  std::vector<User> users;                ///< by number
  Both<std::vector<UserNumber>> away_at;  ///< with WhatIf::at
  /// Conclusions of timers, compared by (at, user, kind, cause, from, to).
  std::uint64_t same = 0, actual_only = 0, what_if_only = 0;
};

/// `progress` hears of the events done and of all.
[[nodiscard]] Result<WhatIfReport> what_if(
    const Reader& reader, const WhatIf& asked,
    const std::function<void(std::uint64_t, std::uint64_t)>& progress = [](auto, auto) {});

}  // namespace rollcall::replay
