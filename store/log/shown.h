// What others were last shown of invisible users: when the visible state changed, and when they
// were last seen while visible.
//
// Why this file exists: the state holds when a user was last here, not when that was last visible,
// and must not hold more (digests cover its bytes). An invisible user is shown as they were when
// they hid, also after a restart. So this is folded beside the state and kept in snapshots, but
// only for users who ever hid; for all others the state itself has the answer.
#pragma once

#include "engine/reducer.h"

#include <map>
#include <optional>
#include <span>

namespace rollcall::store::inline log {

struct Shown {
  engine::Presence visible = engine::Presence::Offline;
  bool hides = false;  ///< invisible now
  engine::Micros last_seen = 0;
  engine::Micros changed_at = 0;  ///< of `visible`
  engine::Seq changed_seq = 0;    ///< of `visible`, or somewhat later
  bool operator==(const Shown&) const = default;
};

class ShownOfHiders {
 public:
  using Users = std::map<engine::UserNumber, Shown>;

  /// Asks for the effects that note() needs now: while nobody ever hid, only status changes.
  void want(engine::Effects& effects) const;
  /// Call it for each event in order, with the state after the event and what the event did.
  void note(const engine::State& after, const engine::Header& event,
            std::span<const engine::Effect> effects,
            std::span<const engine::Transition> transitions);
  [[nodiscard]] const Users& users() const { return users_; }
  [[nodiscard]] const Shown* find(engine::UserNumber user) const;
  void put(engine::UserNumber user, const Shown& shown) { users_.insert_or_assign(user, shown); }

 private:
  Users users_;
};

}  // namespace rollcall::store::inline log
