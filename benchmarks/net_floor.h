// The floors: what a bare program reaches that does nothing but send.
//
// send   one `send` a connection for each event, in the order of arrival
// sweep  events are appended to a log, a subscriber is a cursor; a loop turn gives each one write
#pragma once

#include <cstdint>
#include <string>

namespace rollcall::bench {

/// Serves for ever on a port the system chooses, which is written to `port_pipe`.
[[noreturn]] void run_floor(const std::string& kind, int port_pipe);

}  // namespace rollcall::bench
