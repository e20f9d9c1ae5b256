// Who is in which logged channel: the rules, and a fold of attendance alone.
//
// Why this file exists: the reducer keeps attendance in the state. A webhook has its own position
// in the log and would need a whole state of its own to report who joined and left. Both apply
// these rules, and a property test checks that they report the same effects.
#pragma once

#include "engine/effects.h"
#include "engine/state.h"

#include <map>
#include <set>

namespace rollcall::engine {

/// The epochs of a node that a NodeUp or NodeDown ends: all up to `upto`.
struct EndedEpochs {
  std::uint32_t node = 0;
  std::uint64_t upto = 0;
};
/// What a NodeUp or NodeDown changes, given the newest open and closed epoch of each node. Not
/// valid if it comes too late (S30). Without `ended`, it is the node's epoch 0 and there was none
/// before.
struct NodeChange {
  bool valid = false;
  std::optional<EndedEpochs> ended;
};
[[nodiscard]] NodeChange change_of_node(const Header& event,
                                        const std::map<std::uint32_t, std::uint64_t>& open,
                                        const std::map<std::uint32_t, std::uint64_t>& closed);

/// They change one user's sorted list of connections to channels and emit what changed.
void join(std::vector<Attendance>& list, const Header& event, const Emit& emit);
/// False if there was no such connection.
bool leave(std::vector<Attendance>& list, const Header& event, const Emit& emit);
/// False if nothing in the list was of those epochs.
bool end_epochs(std::vector<Attendance>& list, UserNumber user, const EndedEpochs& ended,
                const Emit& emit);
void leave_all(std::vector<Attendance>& list, UserNumber user, const Emit& emit);

/// Attendance alone, out of a log's headers in order: the MemberIn, MemberOut and UserForgotten
/// that apply() emits, without the rest of the state.
class Members {
 public:
  void apply(const Header& event, Effects& out);

 private:
  UserNumber users_ = 1;
  std::set<UserNumber> forgotten_;
  std::map<std::uint32_t, std::uint64_t> open_, closed_;
  std::map<UserNumber, std::vector<Attendance>> lists_;
};

}  // namespace rollcall::engine
