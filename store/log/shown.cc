// Following those who hide.
#include "store/log/shown.h"

#include <algorithm>

namespace rollcall::store::inline log {

using engine::Override;

const Shown* ShownOfHiders::find(engine::UserNumber user) const {
  const auto it = users_.find(user);
  return it == users_.end() ? nullptr : &it->second;
}

void ShownOfHiders::want(engine::Effects& effects) const {
  if (users_.empty())
    effects.want<engine::Overridden>();
  else
    effects.want<engine::Overridden, engine::Seen, engine::UserForgotten>();
}

void ShownOfHiders::note(const engine::State& after, const engine::Header& event,
                         std::span<const engine::Effect> effects,
                         std::span<const engine::Transition> transitions) {
  for (const engine::Effect& effect : effects) {
    if (effect.user == 0) continue;  // the app itself is shown to nobody
    auto it = users_.find(effect.user);
    if (const auto* status = std::get_if<engine::Overridden>(&effect.what)) {
      const bool hides = status->manual == Override::Invisible;
      if (it == users_.end() && hides) {
        // Until now everything was shown. If he was Offline anyway, nothing changes now.
        const engine::User& user = after.users[effect.user];
        Shown shown;
        shown.last_seen = user.last_seen;
        shown.changed_at = user.since;
        shown.changed_seq = event.prev;
        it = users_.emplace(effect.user, shown).first;
      }
      if (it != users_.end()) it->second.hides = hides;
    } else if (it == users_.end()) {
      continue;
    } else if (const auto* seen = std::get_if<engine::Seen>(&effect.what)) {
      if (!it->second.hides) it->second.last_seen = std::max(it->second.last_seen, seen->at);
    } else if (std::holds_alternative<engine::UserForgotten>(effect.what)) {
      users_.erase(it);
    }
  }
  if (users_.empty()) return;
  for (const engine::Transition& t : transitions) {
    const auto it = users_.find(t.user);
    if (it == users_.end() || t.visible_from == t.visible_to) continue;
    it->second.visible = t.visible_to;
    it->second.changed_at = event.at;
    it->second.changed_seq = event.seq;
  }
}

}  // namespace rollcall::store::inline log
