// Why a person is in the state they are in at a moment: each part of it, with the event and the
// rule that made it.
//
// Why this file exists: a header says what was appended, not what it did: it may have come too
// late, twice, or to a session of somebody else. So the explanation is a fold of its own, of the
// person's events and those of the app itself (nodes, limits, the clock), which are all that can
// change a person's state, and follows what the reducer says that each did.
#pragma once

#include "replay/as_of.h"
#include "replay/rules.h"

#include <vector>

namespace rollcall::replay {

/// The event that made something so.
struct Made {
  Header by;
  bool logged = true;  ///< false: a timer's conclusion that is due and not in the log yet
  RulesMet rules;
  /// Of a timer's conclusion: the last activity, or the end of the last connection, from which it
  /// counts; when that was; when it began to count, which is later if nobody watched in between,
  /// the clock stepped ahead or the grace began anew; and the limit that ran out.
  std::optional<Header> basis;
  Micros since = 0, counted_from = 0, limit = 0;
};

struct SessionReasons {
  Seq session = 0;
  std::optional<Made> opened;
  std::optional<Made> active;  ///< none if nothing was done since the login
  std::optional<Made> away;    ///< none while it is on
  std::optional<Made> detached;
  std::vector<std::pair<engine::Link, Made>> links;  ///< in the order of the links
};

struct Explanation {
  engine::State state;        ///< of this person alone; the limits and nodes are the app's
  std::optional<Made> since;  ///< the last change of state; none if there was none
  std::vector<SessionReasons> sessions;                 ///< open ones, ascending
  std::optional<Made> status;                           ///< of the status in force
  std::vector<std::pair<std::uint64_t, Made>> members;  ///< channels, ascending
  std::optional<Made> seen;                             ///< the last sign of life
};

/// `at_moment`: state_as_of() it. The user was enrolled by then.
[[nodiscard]] Result<Explanation> explain(const Reader& reader, const AsOf& moment,
                                          const engine::State& at_moment, UserNumber user);

}  // namespace rollcall::replay
