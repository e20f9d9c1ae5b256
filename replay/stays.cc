// Following sessions.
#include "replay/stays.h"

#include <unordered_map>

namespace rollcall::replay {

Result<std::vector<Stay>> stays(const store::EventLog& log, Seq upto) {
  std::vector<Stay> out;
  std::unordered_map<Seq, std::size_t> open;  // looked up, never iterated
  store::Fold fold;
  const auto wanted = engine::Effects::only<engine::SessionOpened, engine::SessionClosed>();
  RC_TRY(fold.follow(log, upto, wanted, [&](const store::Fold::Step& step) {
    for (const engine::Effect& effect : step.effects) {
      if (const auto* opened = std::get_if<engine::SessionOpened>(&effect.what)) {
        open[opened->session] = out.size();
        out.push_back({effect.user, opened->session, 0, effect.at, 0, engine::Cause::None});
      } else if (const auto* closed = std::get_if<engine::SessionClosed>(&effect.what)) {
        const auto it = open.find(closed->session);
        if (it == open.end()) continue;
        Stay& stay = out[it->second];
        stay.logout = effect.seq;
        stay.to = effect.at;
        stay.end = step.header.cause;
        open.erase(it);
      }
    }
  }));
  return out;
}

}  // namespace rollcall::replay
