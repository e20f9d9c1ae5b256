// Opening a store for writing from the command line.
//
// Why this file exists: whoever appends to a store without its server judges the wall clock and
// closes the nodes of a server that died in the same way, so no command opens one by itself.
#pragma once

#include "cli/command.h"
#include "store/writer.h"

namespace rollcall::cli {

/// The terms for a command: stamped with the wall clock, refused where that is far ahead of the
/// log.
[[nodiscard]] store::Opening offline(const Context& context);
/// The store that the command means; a Failure where there is none or it cannot be written.
[[nodiscard]] std::unique_ptr<store::Writer> open_writer(const Context& context);
/// The same, made where there is none.
[[nodiscard]] std::unique_ptr<store::Writer> open_or_create_writer(const Context& context);

}  // namespace rollcall::cli
