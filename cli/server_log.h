// What a server says of itself on stderr: `serve`, and `replay --listen`.
#pragma once

#include <string>

namespace rollcall::cli {

/// `format`: text, json, or quiet (warnings alone).
void set_up_log(const std::string& format, bool verbose);

}  // namespace rollcall::cli
