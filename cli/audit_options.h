// The options of the filters that audit and export share.
#pragma once

#include "cli/command.h"
#include "replay/question/filter.h"

namespace rollcall::cli {

void declare_filter(Command& command, replay::EventFilter& into);

}  // namespace rollcall::cli
