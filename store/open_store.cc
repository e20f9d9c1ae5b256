// What opening has to put right.
#include "store/open_store.h"

#include "store/backup.h"
#include "store/bytes/files.h"
#include "store/forget.h"
#include "store/log/event_clock.h"

namespace rollcall::store {

Result<std::unique_ptr<Writer>> open_store(const Layout& layout, const Opening& opening) {
  auto opened = Writer::load(layout, *opening.medium);
  if (!opened) return opened;
  if (opening.wall && opening.accept_clock == AcceptClock::No &&
      too_far_ahead(*opening.wall, (*opened)->state().at))
    return clock_refused();
  if (present(layout.restored())) RC_TRY(continue_restored(**opened));
  RC_TRY(finish_pending_erasures(**opened));
  // Only now: what opening itself appends is stamped with the last event's time, when the nodes
  // were last heard.
  if (opening.nodes == Opening::Nodes::Died) (*opened)->nodes_died();
  return opened;
}

Result<std::unique_ptr<Writer>> open_or_create_store(const Layout& layout, const Opening& opening) {
  if (!opening.medium->has_log(layout)) return Writer::create(layout, {}, *opening.medium);
  auto opened = open_store(layout, opening);
  // Made by halves, by a process that was killed: nobody was told of anything in it, so nothing was
  // enrolled or signed either.
  if (opened || opened.error().code != Errc::NotFound || present(layout.checkpoint()))
    return opened;
  const auto vault = Vault::open(layout.vault(), layout.app);
  if (!vault || vault->users() > 1) return opened;
  opening.medium->remove_log(layout);
  return Writer::create(layout, {}, *opening.medium);
}

}  // namespace rollcall::store
