// Reading somebody's history is itself logged, where the reader gives a reason or the store asks
// for one.
#pragma once

#include "store/writer.h"

#include <string_view>
#include <vector>

namespace rollcall::replay {

struct ReadNote {
  std::string reason, ticket;
  std::string what;  ///< the command and its filters; users as #number, patterns left out
  std::string by;    ///< who reads: token:NAME, jwt:SUB, page:USER, or the system's own user
  std::vector<store::UserNumber> subjects;  ///< whose history, where it is of certain people
  std::string proof;  ///< of a read that a process of its own serves: proof_of()
};

/// The events a read is logged as: one for each whose history it is, or one for everybody's.
[[nodiscard]] std::vector<store::Proposal> proposals_of(const ReadNote& note);

/// Appends HistoryRead where a reason or ticket is given. Refused where the store asks for a reason
/// and none is given; a conflict where another process holds the writer's lock.
[[nodiscard]] store::Result<void> note_read(const store::Layout& layout, const ReadNote& note,
                                            const store::Opening& opening);

/// What the log keeps beside a read, so that only who was given the secret can show that the read
/// is logged, and only for these words.
[[nodiscard]] std::string proof_of(std::string_view secret, const std::vector<std::string>& words);
/// Whether the event is a read with this proof.
[[nodiscard]] store::Result<bool> is_logged_read(const store::Layout& layout, engine::Seq seq,
                                                 std::string_view proof);

/// What is said where a reason is needed and none was given.
[[nodiscard]] store::Error reason_missing();

/// Whether every read needs a reason.
[[nodiscard]] store::Result<bool> reads_need_reason(const store::Log& log);
[[nodiscard]] store::Result<void> set_reads_need_reason(store::Writer& writer, bool needed,
                                                        engine::Micros at);

}  // namespace rollcall::replay
