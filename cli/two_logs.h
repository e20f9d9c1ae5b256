// Two logs compared: how far they are the same, and the event at which they part, on both sides.
#pragma once

#include "cli/log_side.h"
#include "replay/rules.h"

namespace rollcall::cli {

inline constexpr int kDiverged = 22;  ///< the exit code for it (docs/cli.md)

struct FirstDifference {
  replay::EventView of_a, of_b;
  /// Which rule each meets after the events before; none if neither log lies here, or of an event
  /// that meets none.
  const replay::Rule *rule_a = nullptr, *rule_b = nullptr;
};
struct Compared {
  replay::Parted parted;
  std::optional<FirstDifference> first;  ///< if they part at an event that both have
};
[[nodiscard]] Compared compare(LogSide& a, LogSide& b);

/// In lines, the sides named: "history says …", "PATH says …".
void print_first(std::FILE* out, const Compared& compared, const std::string& a,
                 const std::string& b);
/// "the first 1,204 events are the same; …" in one sentence.
[[nodiscard]] std::string relation_of(const Compared& compared, const LogSide& a, const LogSide& b,
                                      const std::string& name_a, const std::string& name_b);

}  // namespace rollcall::cli
