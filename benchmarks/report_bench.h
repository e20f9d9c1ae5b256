// What a report costs: hours of people by day, over a log of comings and goings.
#pragma once

#include <cstdint>
#include <string>

namespace rollcall::bench {

/// Makes a log of so many events and people in the folder if none is there, then sums it up.
int report(const std::string& directory, std::uint64_t events, std::uint64_t users);

}  // namespace rollcall::bench
