// The named fields of each kind of event beside its texts: the channel that a user joined, who read
// whose history, the node that went down.
//
// Why this file exists: a header keeps these as four numbers whose meaning depends on the kind;
// every answer (tables, JSON, CSV, the page) and every filter takes them from here.
#pragma once

#include "replay/event_view.h"

#include <boost/json/object.hpp>

namespace rollcall::replay {

/// Members in snake_case, lengths in seconds; none if the kind has no fields of its own.
[[nodiscard]] boost::json::object particulars(const EventView& event);
/// Every name that particulars() may return.
[[nodiscard]] const std::vector<std::string>& particular_names();
}  // namespace rollcall::replay
