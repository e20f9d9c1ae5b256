// Sessions as a list: who was here from when to when, and how it ended.
//
// Why this file exists: `last` and whoever else asks for sessions follow what the reducer says was
// opened and closed. Which logout ends which session is its decision.
#pragma once

#include "replay/reader.h"

#include <vector>

namespace rollcall::replay {

struct Stay {
  UserNumber user = 0;
  Seq login = 0;   ///< the session's id
  Seq logout = 0;  ///< what closed it; 0 while it is open
  Micros from = 0, to = 0;
  engine::Cause end = engine::Cause::None;
};

/// Every session of the log up to `upto`, in order of login.
[[nodiscard]] Result<std::vector<Stay>> stays(const store::EventLog& log, Seq upto);

}  // namespace rollcall::replay
