// Reading what others did is itself in the log, and where the store asks for a reason, nobody reads
// without one (`rollcall store reads reason`).
#pragma once

#include "net/v1/call.h"

namespace rollcall::net::inline v1 {

struct ReadReason {
  std::string reason, ticket;
};

/// Of a request: the headers Rollcall-Reason and Rollcall-Ticket, percent-encoded UTF-8.
[[nodiscard]] ReadReason read_reason(const HttpRequest& request);

enum class Often { EveryTime, OnceAMinute };  ///< a slider that is dragged is one question

/// What is read, of whom: an event of the log each.
struct Asked {
  std::string what;                          ///< the question without names
  std::vector<engine::UserNumber> subjects;  ///< empty: everybody's, or nobody's that is known
};

/// Refused where a reason is needed and none is given.
[[nodiscard]] store::Result<void> check_reason(App& app, const ReadReason& why);

/// Submits the HistoryRead; Refused where a reason is needed and none is given. Reads are one where
/// who, of whom, what and why are all equal. A stopped writer keeps nobody from reading.
[[nodiscard]] store::Result<void> note_read(App& app, const std::string& by, const Asked& asked,
                                            const ReadReason& why, Often often);

/// The same, and waits until it is durable: the seq of the first, 0 where nothing can be written.
/// Never on a shard's thread.
[[nodiscard]] store::Result<engine::Seq> note_read_durably(App& app, const std::string& by,
                                                           const Asked& asked,
                                                           const ReadReason& why);

}  // namespace rollcall::net::inline v1
