// What a request under an Idempotency-Key was answered first: given again for a day, then deleted.
//
// Why this file exists: an answer is kept in the batch of the events that it speaks of, in the
// log's meta family, under the digest of who asked and under which key. A second entry is sorted by
// time, so that what has run out is found without looking at all the others.
//   idem/<digest>              → the answer, with when it was given
//   idem-at/<20 digits>/<digest>  → nothing
#pragma once

#include "net/presence/write.h"

namespace rollcall::net::inline presence {

inline constexpr engine::Micros kAnswerKept = 24LL * 3600 * 1'000'000;

/// The answer that the key was given less than a day ago; BadInput where that was another request.
[[nodiscard]] store::Result<std::optional<WriteReply>> first_answer(
    const store::Transaction& transaction, const Write& asked);
void keep_answer(store::Transaction& transaction, const Write& asked, const WriteReply& reply);

/// Deletes what has run out, a bounded piece a transaction. On the sequencer's thread.
class AnswerSweep {
 public:
  /// Looks at no more than about `most` entries; true where more may be left to do.
  [[nodiscard]] store::Result<bool> step(store::Transaction& transaction, std::size_t most);

 private:
  store::Result<bool> drop_due(store::Transaction& transaction, std::size_t most);
  store::Result<bool> sort_older(store::Transaction& transaction, std::size_t most);

  std::string next_due_;            ///< where the last step ended: what lies before is deleted
  std::optional<bool> all_sorted_;  ///< whether every answer has its entry by time
  std::string next_older_;
};

}  // namespace rollcall::net::inline presence
