// Where two logs part: how many events they have in common, and which users' records differ.
//
// Why this file exists: a copy, a backup, a log in another program's hands: whether it is the same
// history is asked of roots, a few dozen numbers however long the logs are, and not of every event.
#pragma once

#include "replay/reader.h"

#include <functional>
#include <optional>
#include <vector>

namespace rollcall::replay {

/// A log from outside, here or on a server.
struct LogRoots {
  Seq events = 0;
  /// Of its first events; equal exactly if those are.
  std::function<Result<std::string>(Seq size)> root;
};

enum class Parting : std::uint8_t {
  Equal,        ///< the same events
  FirstGoesOn,  ///< the second is the beginning of the first
  SecondGoesOn,
  Parted,  ///< they differ at an event that both have
};
/// "equal", "a_goes_on", "b_goes_on", "parted".
[[nodiscard]] std::string_view name_of(Parting parting);

struct Parted {
  Parting how = Parting::Equal;
  Seq common = 0;  ///< events that both begin with
};
[[nodiscard]] Result<Parted> where_parted(const LogRoots& a, const LogRoots& b);

/// Two states, as their digests see them.
struct StatesDiffer {
  std::uint32_t page = 0;  ///< the first that differs, of 64 users; 0 has the app itself, too
  std::vector<UserNumber> users;  ///< whose records differ, ascending
};
/// None if every page is the same.
[[nodiscard]] std::optional<StatesDiffer> where_states_differ(const engine::State& a,
                                                              const engine::State& b);

}  // namespace rollcall::replay
