// Who was in which channel, and when nobody watched.
#pragma once

#include "replay/reader.h"

#include <map>
#include <optional>
#include <vector>

namespace rollcall::replay {

/// Names of the channels whose attendance was logged, by their number in the log.
[[nodiscard]] std::map<std::uint64_t, std::string> channel_names(const Reader& reader);

using store::Gap;
/// Every time in which nobody watched, ascending.
[[nodiscard]] Result<std::vector<Gap>> coverage_gaps(const Reader& reader);
/// Those that overlap [from, to).
[[nodiscard]] Result<std::vector<Gap>> coverage_gaps(const Reader& reader, Micros from, Micros to);
/// The gap that the moment lies in, where `upto` is the last event before it; nothing without one.
[[nodiscard]] Result<std::optional<Gap>> gap_around(const Reader& reader, Seq upto,
                                                    std::optional<Micros> at);

}  // namespace rollcall::replay
