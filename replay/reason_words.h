// What made something so, in words: "no activity since … (#1204, activity): inactivity concluded
// after 300 s".
#pragma once

#include "replay/explain.h"

namespace rollcall::replay {

/// "300 s", "1.5 s".
[[nodiscard]] std::string seconds_text(Micros length);
/// "Away by hand, until …".
[[nodiscard]] std::string status_words(const engine::StatusFields& set);
/// ", counted from …" where a limit does not count from the moment that is told; else empty.
[[nodiscard]] std::string counted_from(Micros since, Micros from);
/// The event and what it was concluded from, without its own number and rule.
[[nodiscard]] std::string words_of(const Reader& reader, const Made& made);

}  // namespace rollcall::replay
