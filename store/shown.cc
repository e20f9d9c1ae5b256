// Following those who hide.
#include "store/shown.h"

#include <algorithm>

namespace rollcall::store {

using engine::Header;
using engine::Kind;
using engine::Micros;

std::optional<Micros> seen_by(const Header& h, bool here) {
  switch (h.kind) {
    case Kind::Login:
      return h.at;
    case Kind::Logout:
      return h.cause == engine::Cause::Logout ? std::optional<Micros>(h.at) : std::nullopt;
    case Kind::Activity:
      return here ? std::optional<Micros>(engine::activity_of(h).active_at(h.at)) : std::nullopt;
    default:
      return std::nullopt;
  }
}

const Shown* ShownOfHiders::find(engine::UserNumber user) const {
  const auto it = users_.find(user);
  return it == users_.end() ? nullptr : &it->second;
}

void ShownOfHiders::note(const engine::State& after, const Header& h, engine::Outcome outcome,
                         std::span<const engine::Transition> transitions) {
  if (users_.empty() && h.kind != Kind::StatusSet) return;
  if (outcome != engine::Outcome::Applied) return;
  if (h.user != 0) {
    const engine::User& user = after.users[h.user];
    auto it = users_.find(h.user);
    if (it != users_.end() && h.kind == Kind::UserErased) {
      users_.erase(it);
      return;
    }
    const bool hides = user.manual == engine::Override::Invisible;
    if (it == users_.end() && hides) {
      // Until now everything was shown. If he was Offline anyway, nothing changes now.
      Shown shown;
      shown.last_seen = user.last_seen;
      shown.changed_at = user.since;
      shown.changed_seq = h.prev;
      it = users_.emplace(h.user, shown).first;
    }
    if (it != users_.end()) {
      it->second.hides = hides;
      if (const auto seen = seen_by(h, !user.sessions.empty()); seen && !hides)
        it->second.last_seen = std::max(it->second.last_seen, *seen);
    }
  }
  for (const engine::Transition& t : transitions) {
    const auto it = users_.find(t.user);
    if (it == users_.end() || t.visible_from == t.visible_to) continue;
    it->second.visible = t.visible_to;
    it->second.changed_at = h.at;
    it->second.changed_seq = h.seq;
  }
}

}  // namespace rollcall::store
