// The rules of presence as sentences, and which of them an event met.
//
// Why this file exists: an answer that says why somebody is Away names the rule of docs/presence.md
// that made it so. The reducer decides by these rules and does not tell their numbers, for a replay
// needs none; here they are found from what was there before an event and from what it did, never
// from the header alone.
#pragma once

#include "engine/reducer.h"

#include <span>
#include <string_view>

namespace rollcall::replay {

struct Rule {
  std::string_view number;  ///< of its row in docs/presence.md: S07
  std::string_view says;    ///< the row in one sentence
};

/// Every rule that one event can meet, in the order of docs/presence.md. The other rows are about
/// sequences of events, which meet the rules of each, or about the process.
[[nodiscard]] std::span<const Rule> rules();
/// None if no rule has that number.
[[nodiscard]] const Rule* find_rule(std::string_view number);

/// What an event met, for one user.
struct RulesMet {
  const Rule* own =
      nullptr;  ///< of the session, the status or the membership; none of other events
  const Rule* state = nullptr;  ///< that decides the user's state beside it, like a manual status
  /// The one that explains the user's state.
  [[nodiscard]] const Rule* of_state() const { return state != nullptr ? state : own; }
};

/// Asked before and after an event is applied.
class RuleFinder {
 public:
  explicit RuleFinder(engine::UserNumber user) : user_(user) {}
  void before(const engine::State& state, const engine::Header& event);
  /// `state`: after it.
  [[nodiscard]] RulesMet after(const engine::State& state, const engine::Header& event,
                               engine::Outcome outcome) const;

 private:
  [[nodiscard]] std::string_view own(const engine::State& state, const engine::Header& event,
                                     engine::Outcome outcome) const;
  [[nodiscard]] std::string_view of_state(const engine::State& state, const engine::Header& event,
                                          engine::Outcome outcome) const;

  engine::UserNumber user_;
  // Of the user, before the event.
  bool erased_ = false;
  engine::Presence derived_ = engine::Presence::Offline;
  engine::Override manual_ = engine::Override::None;
  std::size_t sessions_ = 0;
  // Of the session that the event concerns.
  bool open_ = false, away_ = false, detached_ = false;
  std::size_t links_ = 0;
};

}  // namespace rollcall::replay
