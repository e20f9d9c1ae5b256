// Reading a user's history is itself logged, if the reader gives a reason or the store demands
// one.
#pragma once

#include "store/open_store.h"

#include <string_view>
#include <vector>

namespace rollcall::replay {

class Reader;

struct ReadNote {
  std::string reason, ticket;
  std::string what;  ///< the command and its filters; users as #number, without patterns
  std::string by;    ///< who reads: token:NAME, jwt:SUB, page:USER, or the system's own user
  std::vector<store::UserNumber> subjects;  ///< whose history, if it is that of certain users
  std::string proof;                        ///< of a read served by its own process: proof_of()
};

/// The events that log a read: one per user whose history it is, or one if it is everybody's.
[[nodiscard]] std::vector<store::Proposal> proposals_of(const ReadNote& note);

/// Appends HistoryRead if a reason or ticket is given. Refused if the store demands a reason and
/// none is given; a conflict if another process holds the writer's lock.
[[nodiscard]] store::Result<void> note_read(const store::Layout& layout, const ReadNote& note,
                                            const store::Opening& opening);

/// What the log keeps beside a read, so that only the holder of the secret can show that the read
/// is logged, and only for these words.
[[nodiscard]] std::string proof_of(std::string_view secret, const std::vector<std::string>& words);
/// Whether the event is a read with this proof.
[[nodiscard]] store::Result<bool> is_logged_read(const Reader& reader, engine::Seq seq,
                                                 std::string_view proof);

/// The sentence if a reason is needed and none was given.
[[nodiscard]] store::Error reason_missing();

/// Whether every read needs a reason.
[[nodiscard]] store::Result<bool> reads_need_reason(const store::Log& log);
[[nodiscard]] store::Result<void> set_reads_need_reason(store::Writer& writer, bool needed,
                                                        engine::Micros at);

}  // namespace rollcall::replay
