// The reducer: apply(state, event) gives the next state, an outcome and what to announce.
//
// Why this file exists: it is the one place that decides who is Online, Away or Offline. It is
// total (any event applied to any state has an answer) and knows no clock, thread or I/O, so a
// replay of the same headers always ends in the same state, with or without bodies.
// Rules and their numbers (S01…, U01…): docs/presence.md.
#pragma once

#include "engine/effects.h"
#include "engine/state.h"

#include <optional>
#include <string>
#include <vector>

namespace rollcall::engine {

/// Version of these rules; a StateDigest names it. Raise it when any rule changes.
inline constexpr std::uint64_t kReducerVersion = 1;

enum class Outcome : std::uint8_t {
  Applied,
  Duplicate,
  Stale,
  UnknownSession,
  UnknownUser,
  BadBasis,
  BadEpoch,
  Same,
  WrongUser,
};
[[nodiscard]] std::string_view name_of(Outcome outcome);

/// A change of one user's state. Offline → Away is two of these at one seq, ordinals 0 and 1.
struct Transition {
  UserNumber user = 0;
  Seq seq = 0;
  std::uint8_t ordinal = 0;
  Presence from = Presence::Offline, to = Presence::Offline;
  Presence visible_from = Presence::Offline, visible_to = Presence::Offline;
  Kind kind = Kind::None;  ///< of the event that caused it
  Cause cause = Cause::None;
  bool operator==(const Transition&) const = default;
};

/// Applies `event`, appending what changed to `transitions` (users in ascending number), and what
/// else it did to `effects`, if given. An event that does not count changes and reports nothing.
Outcome apply(State& state, const Header& event, std::vector<Transition>& transitions,
              Effects* effects = nullptr);

/// Whether `event` may follow `state` in a log: no gap in seq (C08), no decrease of time
/// (C09). Returns what is wrong, or nothing. A caller that reads a log asks before apply().
[[nodiscard]] std::optional<std::string> order_fault(const State& state, const Header& event);

}  // namespace rollcall::engine
