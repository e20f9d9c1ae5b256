// A time limit by name, as people set it: idle_after=120s, ttl=off.
#pragma once

#include "engine/event_fields.h"
#include "store/bytes/errc.h"

#include <string>
#include <string_view>
#include <vector>

namespace rollcall::replay {

/// The names that set_policy() knows, without a unit: idle_after, ttl, grace_clean, …
[[nodiscard]] std::vector<std::string> policy_names();

/// `name`: one of them, with or without _s; `value`: a length (replay/time_text.h), off for ttl, a
/// number for sessions_max. BadInput says what is wrong.
[[nodiscard]] store::Result<void> set_policy(engine::Policy& policy, std::string_view name,
                                             std::string_view value);
/// The same of NAME=VALUE.
[[nodiscard]] store::Result<void> set_policy(engine::Policy& policy, std::string_view setting);

}  // namespace rollcall::replay
