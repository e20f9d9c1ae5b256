// timeline: every change of state, in the order of the log.
#pragma once

#include "replay/question/coverage.h"

namespace rollcall::replay::inline question {

struct TransitionsQuestion : Whose {
  std::optional<std::string> since, until;  ///< at or after, before
  std::optional<std::uint64_t> limit;
  static constexpr Asks kAsks{"timeline of changes", true};
  struct Row {
    std::uint64_t seq = 0;  ///< of the event that made it so; offline to away is two of one seq
    Moment at;
    std::string user;
    std::uint64_t number = 0;
    std::string from, to, cause;
  };
  struct Summary {
    std::uint64_t upto = 0;  ///< the last event that was looked at
    Coverage coverage;
    std::vector<GapRow> gaps;  ///< of the range
  };
};
BOOST_DESCRIBE_STRUCT(TransitionsQuestion, (Whose), (since, until, limit))
BOOST_DESCRIBE_STRUCT(TransitionsQuestion::Row, (), (seq, at, user, number, from, to, cause))
BOOST_DESCRIBE_STRUCT(TransitionsQuestion::Summary, (), (upto, coverage, gaps))

[[nodiscard]] Result<void> check(const TransitionsQuestion& q);
[[nodiscard]] Result<TransitionsQuestion::Summary> answer(
    const Desk& desk, const TransitionsQuestion& q, const RowSink<TransitionsQuestion::Row>& row);

}  // namespace rollcall::replay::inline question
