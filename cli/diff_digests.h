// diff --digests FILE: the digests of the state that another run or another machine told, beside
// those in this log.
#pragma once

#include "cli/context.h"

#include <string>

namespace rollcall::cli {

/// FILE holds a line {"seq": N, "digest": "…"} each, as `audit -e state_digest -o ndjson` prints
/// them. The exit code: 22 if one differs.
int diff_digests(Context& context, const std::string& file);

}  // namespace rollcall::cli
