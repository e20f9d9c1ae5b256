// Events as JSON: in our own form, and as the rows of other tools.
#pragma once

#include "replay/event_view.h"

#include <boost/json/object.hpp>

namespace rollcall::replay {

/// seq, at, kind, cause, user, user_number, session, action, target…, description, properties,
/// attribute_changes, batch, context; absent keys are left out. Bundles contain this, and earlier
/// versions must be able to check them: do not change it.
[[nodiscard]] boost::json::object to_json(const EventView& event);
/// The same with the kind's particulars, as every other answer shows it.
[[nodiscard]] boost::json::object to_full_json(const EventView& event);
/// The members that to_full_json may have.
[[nodiscard]] const std::vector<std::string>& event_members();
/// The rows of other tools: spatie/laravel-activitylog 4 and 5, owen-it/laravel-auditing.
[[nodiscard]] boost::json::object to_activitylog4(const EventView& event);
[[nodiscard]] boost::json::object to_activitylog5(const EventView& event);
[[nodiscard]] boost::json::object to_owenit(const EventView& event);

/// Old and new values side by side: "state: open → paid". Empty if nothing changed.
[[nodiscard]] std::vector<std::string> diff_lines(const EventView& event);

}  // namespace rollcall::replay
