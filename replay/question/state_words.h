// The parts of a person's state in words, each with its event and its rule.
#pragma once

#include "replay/explain.h"
#include "replay/question/state.h"

namespace rollcall::replay::inline question {

/// "300 s", "1.5 s".
[[nodiscard]] std::string seconds_text(Micros length);
/// What an event brought about, for a sentence: "no activity since … (#1204, activity): inactivity
/// after 300 s".
[[nodiscard]] std::string words_of(const Reader& reader, const Made& made);

/// The rows of the answer, in order: why nothing is known, if it is not; the state; each session;
/// status, rooms, the last sign of life.
[[nodiscard]] std::vector<StateQuestion::Row> reasons_of(const Reader& reader, const AsOf& moment,
                                                         const StateQuestion::Summary& told,
                                                         const Explanation& why);

}  // namespace rollcall::replay::inline question
