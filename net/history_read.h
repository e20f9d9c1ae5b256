// Reading what others did is itself in the log, and where the store asks for a reason, nobody reads
// without one (`rollcall store reads reason`).
#pragma once

#include "net/endpoints.h"

namespace rollcall::net {

struct ReadReason {
  std::string reason, ticket;
};

/// Of a request: the headers Rollcall-Reason and Rollcall-Ticket, percent-encoded UTF-8.
[[nodiscard]] ReadReason read_reason(const HttpRequest& request);

enum class Often { EveryTime, OnceAMinute };  ///< a slider that is dragged is one question

/// Submits the HistoryRead; Refused where a reason is needed and none is given. A stopped writer
/// keeps nobody from reading.
[[nodiscard]] store::Result<void> note_read(App& app, const Caller& caller, const std::string& what,
                                            const ReadReason& why, Often often);

}  // namespace rollcall::net
