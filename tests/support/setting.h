// How far a test goes, from the environment: counts and seeds that ./dev check --full raises.
#pragma once

#include <cstdint>
#include <cstdlib>

namespace rollcall::test {

/// The number in that variable, or `without` if it is not set.
[[nodiscard]] inline std::uint64_t setting(const char* variable, std::uint64_t without) {
  const char* text = std::getenv(variable);
  return text == nullptr ? without : std::strtoull(text, nullptr, 10);
}

}  // namespace rollcall::test
