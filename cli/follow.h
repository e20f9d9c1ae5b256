// audit -f: the events that match, and then what is appended, until Ctrl-C.
#pragma once

#include "cli/command.h"
#include "replay/question/events.h"

namespace rollcall::cli {

enum class Followed { More, Ended };

/// Hands over the rows and, after each time there were some, the summary of all so far. SIGINT and
/// SIGTERM end it, with the last summary once more (Followed::Ended). Nothing is read twice.
void follow(Context& context, const replay::EventsQuestion& q,
            const std::function<bool(const replay::EventView&)>& row,
            const std::function<void(const replay::EventsQuestion::Summary&, Followed)>& so_far);

}  // namespace rollcall::cli
