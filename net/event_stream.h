// GET /v1/stream: the log as server-sent events, first the past, then live, without a gap.
#pragma once

#include "net/chunks.h"
#include "net/endpoints.h"

namespace rollcall::net {

/// From ?after= or Last-Event-ID on (default: from now). With audit:read every event, as audit
/// shows it; with presence:read alone, PresenceChanged from now on.
[[nodiscard]] HttpReply begin_event_stream(App& app, const Caller& caller,
                                           const HttpRequest& request, Chunks& chunks);

}  // namespace rollcall::net
