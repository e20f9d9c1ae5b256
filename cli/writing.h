// Opening a store for writing from the command line.
//
// Why this file exists: every command that appends to a store without its server must check the
// wall clock and close the nodes of a crashed server in the same way, so all open it here.
#pragma once

#include "cli/command.h"
#include "store/open_store.h"

namespace rollcall::cli {

/// The options for a command: events are stamped with the wall clock, and refused if that is far
/// ahead of the log.
[[nodiscard]] store::Opening offline(const Context& context);
/// The store that the command means; a Failure if there is none or it cannot be written.
[[nodiscard]] std::unique_ptr<store::Writer> open_writer(const Context& context);
/// The same, created if there is none.
[[nodiscard]] std::unique_ptr<store::Writer> open_or_create_writer(const Context& context);

}  // namespace rollcall::cli
