// GET /v1/stream: the log as it grows, first the past, then live, without a gap.
#pragma once

#include "net/loop/chunks.h"
#include "net/v1/call.h"

namespace rollcall::net::inline v1 {

inline constexpr std::string_view kStreamPath = "/v1/stream";

/// Server-sent events for people's programs, Cap'n Proto's StreamMessages (store/log/event.capnp)
/// for services.
enum class StreamForm : std::uint8_t { Text, CapnProto };

/// From ?after= or Last-Event-ID on (default: from now). With audit:read every event, as audit
/// shows it; with presence:read alone, PresenceChanged from now on. A piece that `chunks` gives is
/// made of whole events.
[[nodiscard]] HttpReply begin_event_stream(App& app, const Caller& caller,
                                           const HttpRequest& request, StreamForm form,
                                           Chunks& chunks);

}  // namespace rollcall::net::inline v1
