// rollcall replay --listen: the past as a server, for the clients and the page of the present.
#pragma once

#include "cli/context.h"
#include "replay/question/replay.h"

#include <string>

namespace rollcall::cli {

struct ReplayListen {
  std::string address;  ///< to listen on
  bool paused = false;  ///< stands at its beginning until somebody lets it go
  std::string speed = "1x";
};

/// Logs the read, then serves the question's range until a signal. The process's exit code.
int listen_to_replay(Context& context, const replay::ReplayQuestion& range,
                     const ReplayListen& options);

}  // namespace rollcall::cli
