// A replay on a terminal: who is where, with a clock, a bar and keys.
#pragma once

#include "cli/replay_break.h"

#include <vector>

namespace rollcall::cli {

/// Until its end or q. Keys: space pauses and goes on, s or Enter does one event, + and - double
/// and halve the speed, the arrows go a twentieth of the range back and forth.
/// Throws store::Failure if the terminal cannot be read by the key. `before`: who was here when it
/// begins, as rows that made it so.
void show_replay(const std::vector<replay::ReplayQuestion::Row>& before,
                 const std::vector<replay::ReplayQuestion::Row>& rows, double speed, bool stepping,
                 std::vector<Break> breaks);

}  // namespace rollcall::cli
