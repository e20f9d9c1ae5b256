// The one door to a store's writer for commands.
#include "cli/writing.h"

#include "store/log/event_clock.h"
#include "store/open_store.h"

namespace rollcall::cli {

store::Opening offline(const Context& context) {
  store::Opening opening;
  opening.wall = store::wall_now();
  opening.accept_clock = context.accept_clock ? store::AcceptClock::Yes : store::AcceptClock::No;
  return opening;
}

std::unique_ptr<store::Writer> open_writer(const Context& context) {
  return store::open_store(context.layout(), offline(context)).value();
}

std::unique_ptr<store::Writer> open_or_create_writer(const Context& context) {
  return store::open_or_create_store(context.layout(), offline(context)).value();
}

}  // namespace rollcall::cli
