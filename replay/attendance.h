// Who was in which channel, and when nobody watched.
#pragma once

#include "replay/reader.h"

#include <map>
#include <optional>
#include <vector>

namespace rollcall::replay {

/// Names of the channels whose attendance was logged, by their number in the log.
[[nodiscard]] std::map<std::uint64_t, std::string> channel_names(const Reader& reader);

/// A time in which no server ran that would have seen anything: what is told about it is how it was
/// before.
struct Gap {
  Seq seq = 0;  ///< of the NodeDown that closed it
  Micros from = 0, to = 0;
};
[[nodiscard]] Result<std::vector<Gap>> coverage_gaps(const Reader& reader);
/// The gap that the moment lies in, where `upto` is the last event before it; nothing without one.
[[nodiscard]] Result<std::optional<Gap>> gap_around(const Reader& reader, Seq upto,
                                                    std::optional<Micros> at);

}  // namespace rollcall::replay
