// A person as the API tells it: presence, name and the status joined.
#pragma once

#include "net/presence/board.h"

#include <boost/describe.hpp>

#include <optional>
#include <string>

namespace rollcall::net::inline presence {

struct Person {
  std::uint64_t number = 0;
  std::string user, state;
  std::optional<std::string> since, last_seen, text, emoji;
  bool do_not_disturb = false;
  std::uint64_t sessions = 0;  ///< open ones: devices, tabs that name a session of their own
};
BOOST_DESCRIBE_STRUCT(Person, (),
                      (number, user, state, since, last_seen, text, emoji, do_not_disturb,
                       sessions))

/// `inside`: for the user and auditors what is so; for others what is visible, its last-seen as
/// coarse as `granularity` says.
[[nodiscard]] Person person_of(const store::ReadView& reading, engine::UserNumber number,
                               std::string name, const PresenceRow& row, bool inside,
                               std::string_view granularity);

}  // namespace rollcall::net::inline presence
