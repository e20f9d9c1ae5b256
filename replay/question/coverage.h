// What an answer about the past says of itself: for which times its log speaks, and in which of
// them nobody watched.
#pragma once

#include "replay/as_of.h"
#include "replay/question/question.h"

namespace rollcall::replay::inline question {

/// A time in which nobody watched: nothing is known of it but how it was before.
struct GapRow {
  std::uint64_t seq = 0;  ///< of the event that tells it
  Moment from, to;
};
BOOST_DESCRIBE_STRUCT(GapRow, (), (seq, from, to))

struct Coverage {
  /// Of its first event and its last: none of an empty log, and no end with seq:N.
  std::optional<Moment> log_begins, log_ends;
  /// Of the moment asked about: yes, in_gap, after_end or before_begin. Of a range: of its end.
  std::string known;
};
BOOST_DESCRIBE_STRUCT(Coverage, (), (log_begins, log_ends, known))

[[nodiscard]] Coverage coverage_of(const AsOf& moment);
[[nodiscard]] std::vector<GapRow> rows_of(const std::vector<Gap>& gaps);

}  // namespace rollcall::replay::inline question
