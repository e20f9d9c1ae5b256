// Turns a moment from the command line into a position in the log.
#pragma once

#include "replay/reader.h"
#include "replay/time_text.h"
#include "store/writer.h"

namespace rollcall::cli {

/// The last seq before the moment (half-open: without events at it); seq:N means after event N.
[[nodiscard]] engine::Seq last_before(const replay::Reader& reader, const std::string& text);

/// The two moments of --since and --until; a usage error if the end is before the
/// beginning.
void check_range(const std::string& since, const std::string& until);

}  // namespace rollcall::cli
