// Reading a user's history is itself logged, if the reader gives a reason or the store demands
// one.
#pragma once

#include "store/open_store.h"

#include <string_view>
#include <vector>

namespace rollcall::replay {

struct ReadNote {
  std::string reason, ticket;
  std::string what;  ///< the command and its filters; users as #number, without patterns
  std::string by;    ///< who reads: token:NAME, jwt:SUB, page:USER, or the system's own user
  std::vector<store::UserNumber> subjects;  ///< whose history, if it is that of certain users
};

/// The events that log a read: one per user whose history it is, or one if it is everybody's.
[[nodiscard]] std::vector<store::Proposal> proposals_of(const ReadNote& note);

/// Appends HistoryRead if a reason or ticket is given. Refused if the store demands a reason and
/// none is given; a conflict if another process holds the writer's lock.
[[nodiscard]] store::Result<void> note_read(const store::Layout& layout, const ReadNote& note,
                                            const store::Opening& opening);

/// The sentence if a reason is needed and none was given.
[[nodiscard]] store::Error reason_missing();

/// Whether every read needs a reason.
[[nodiscard]] store::Result<bool> reads_need_reason(const store::EventLog& log);
[[nodiscard]] store::Result<void> set_reads_need_reason(store::Writer& writer, bool needed,
                                                        engine::Micros at);

}  // namespace rollcall::replay
