// diff: who is in another state at one moment than at another.
#pragma once

#include "replay/question/coverage.h"

namespace rollcall::replay::inline question {

struct DiffQuestion : Whose {
  std::vector<std::string> at;  ///< two moments, A and B
  std::optional<std::uint64_t> limit;
  static constexpr Asks kAsks{"diff", true};
  /// Somebody whose state differs, or is unknown at one of the moments.
  struct Row {
    std::string user;
    std::uint64_t number = 0;
    std::string from, to;  ///< at A, at B: unknown if nobody watched
    std::optional<std::string> last_known_a, last_known_b;  ///< with unknown: how it was before
    std::optional<Moment> since_a, since_b;
    // If A is before B: the changes of state between them, and the last one.
    std::uint64_t changes = 0;
    std::optional<std::uint64_t> seq;  ///< of its event; none if a timer's conclusion is only due
    std::optional<std::string> kind, cause;  ///< of that event
  };
  struct Side {
    Moment at;
    std::uint64_t seq = 0;                            ///< the last event not later than the moment
    std::optional<std::string> root;                  ///< of the log up to it, base64
    std::uint64_t online = 0, away = 0, unknown = 0;  ///< of all who are asked about
    Coverage coverage;
  };
  struct Summary {
    Side at_a, at_b;
    std::uint64_t changed = 0;   ///< rows, without the limit
    std::uint64_t returned = 0;  ///< in the same state at both moments, and in another between them
    Coverage coverage;         ///< `known` is yes if it is of both moments, else that of the first
                               ///< of them of which it is not
    std::vector<GapRow> gaps;  ///< that A or B lies in
  };
};
BOOST_DESCRIBE_STRUCT(DiffQuestion, (Whose), (at, limit))
BOOST_DESCRIBE_STRUCT(DiffQuestion::Row, (),
                      (user, number, from, to, last_known_a, last_known_b, since_a, since_b,
                       changes, seq, kind, cause))
BOOST_DESCRIBE_STRUCT(DiffQuestion::Side, (), (at, seq, root, online, away, unknown, coverage))
BOOST_DESCRIBE_STRUCT(DiffQuestion::Summary, (), (at_a, at_b, changed, returned, coverage, gaps))

[[nodiscard]] Result<void> check(const DiffQuestion& q);
[[nodiscard]] Result<DiffQuestion::Summary> answer(const Desk& desk, const DiffQuestion& q,
                                                   const RowSink<DiffQuestion::Row>& row);

}  // namespace rollcall::replay::inline question
