// Who is in which logged channel: the rules, and a fold of these alone.
//
// Why this file exists: the reducer keeps attendance in the state; a webhook tells of comings and
// goings from wherever it is in the log, and would hold a whole state for it. Both follow the same
// rules, which are here, and a property test holds the two to the same effects.
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
/// Notes the node's change in the tables of open and closed epochs; nothing where it comes too late
/// (S30) and changes nothing. An `upto` of nothing: the node's first epoch, none before it.
struct NodeChange {
  bool valid = false;
  std::optional<EndedEpochs> ended;
};
[[nodiscard]] NodeChange change_of_node(const Header& event,
                                        const std::map<std::uint32_t, std::uint64_t>& open,
                                        const std::map<std::uint32_t, std::uint64_t>& closed);

/// One user's connections to channels, sorted; what changed is emitted.
void join(std::vector<Attendance>& list, const Header& event, const Emit& emit);
/// Whether the connection was there.
bool leave(std::vector<Attendance>& list, const Header& event, const Emit& emit);
/// Whether anything was of those epochs.
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
