// Who was in which channel, and the times without observation.
#pragma once

#include "replay/reader.h"

#include <map>
#include <optional>
#include <vector>

namespace rollcall::replay {

/// Names of the channels whose attendance was logged, by their number in the log.
[[nodiscard]] std::map<std::uint64_t, std::string> channel_names(const Reader& reader);

using store::Gap;
/// Every time without observation, ascending.
[[nodiscard]] Result<std::vector<Gap>> coverage_gaps(const Reader& reader);
/// The gaps that overlap [from, to).
[[nodiscard]] Result<std::vector<Gap>> coverage_gaps(const Reader& reader, Micros from, Micros to);
}  // namespace rollcall::replay
