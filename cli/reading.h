// Reads of personal data from the command line: logged where a reason is given or asked for.
#pragma once

#include "cli/people.h"

namespace rollcall::cli {

/// Appends HistoryRead for each of `users` (names become numbers in what is kept), or for the read
/// that a server logged before it ran us: then it is checked that it did. What comes back is opened
/// to answer from: the store is opened once where nothing is to be logged.
[[nodiscard]] replay::Reader open_read(Context& context, const People& users,
                                       const std::string& what);

}  // namespace rollcall::cli
