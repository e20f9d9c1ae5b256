// What an event of each kind says beside its texts, by name: the channel somebody joined, who read
// whose history, the node that went down.
//
// Why this file exists: a header keeps these as four numbers whose meaning depends on the kind;
// every answer (tables, JSON, CSV, the page) and every filter takes them from here.
#pragma once

#include "replay/event_view.h"

#include <boost/json/object.hpp>

namespace rollcall::replay {

/// Members in snake_case, lengths in seconds; none where the kind has nothing of its own to say.
[[nodiscard]] boost::json::object particulars(const EventView& event);
/// Every name that particulars() may give.
[[nodiscard]] const std::vector<std::string>& particular_names();
/// Whom the event is about, where that is somebody else than who did it.
[[nodiscard]] std::optional<UserNumber> subject_of(const Header& header);

}  // namespace rollcall::replay
