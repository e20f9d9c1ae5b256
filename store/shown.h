// What others were last shown of users who hide: when the visible state changed, and when they were
// last seen in the open.
//
// Why this file exists: the state holds when somebody was last here, not when he last showed it,
// and it may hold no more (its bytes are what digests are made of). Somebody invisible is shown as
// he was when he hid, after a restart, too. So this is folded beside the state, and kept in
// snapshots, for those alone who ever hid: of everybody else the state itself says it.
#pragma once

#include "engine/reducer.h"

#include <map>
#include <optional>
#include <span>

namespace rollcall::store {

/// When the event shows its user to be there, where it is applied; `here`: with a session open.
[[nodiscard]] std::optional<engine::Micros> seen_by(const engine::Header& header, bool here);

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

  /// In order, with the state after the event.
  void note(const engine::State& after, const engine::Header& event, engine::Outcome outcome,
            std::span<const engine::Transition> transitions);
  [[nodiscard]] const Users& users() const { return users_; }
  [[nodiscard]] const Shown* find(engine::UserNumber user) const;
  void put(engine::UserNumber user, const Shown& shown) { users_.insert_or_assign(user, shown); }

 private:
  Users users_;
};

}  // namespace rollcall::store
