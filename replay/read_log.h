// Reading somebody's history is itself logged, where the reader gives a reason or the store asks
// for one.
#pragma once

#include "store/writer.h"

namespace rollcall::replay {

struct ReadNote {
  std::string reason, ticket;
  std::string what;  ///< the command and its filters; users as #number, patterns left out
  store::UserNumber subject = 0;  ///< whose history, where it is one person's
};

/// Appends HistoryRead where a reason or ticket is given. Refused where the store asks for a reason
/// and none is given; a conflict where another process holds the writer's lock.
[[nodiscard]] store::Result<void> note_read(const store::Layout& layout, const ReadNote& note,
                                            const store::Opening& opening);

/// What is said where a reason is needed and none was given.
[[nodiscard]] store::Error reason_missing();

/// Whether every read needs a reason.
[[nodiscard]] store::Result<bool> reads_need_reason(const store::Log& log);
[[nodiscard]] store::Result<void> set_reads_need_reason(store::Writer& writer, bool needed,
                                                        engine::Micros at);

}  // namespace rollcall::replay
