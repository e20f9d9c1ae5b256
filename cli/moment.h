// A moment of the command line turned into a place in the log.
#pragma once

#include "replay/reader.h"
#include "replay/time_text.h"
#include "store/writer.h"

namespace rollcall::cli {

/// The last seq before the moment (half-open: events at it are not in); seq:N means after event N.
[[nodiscard]] engine::Seq last_before(const replay::Reader& reader, const std::string& text);

/// Two moments as --since and --until give them; a usage error where the end is before the
/// beginning.
void check_range(const std::string& since, const std::string& until);

}  // namespace rollcall::cli
