// last: sessions, newest first: who was here from when to when, and how it ended.
#pragma once

#include "replay/question/coverage.h"

namespace rollcall::replay::inline question {

struct SessionsQuestion : Whose {
  std::optional<std::string> since, until;  ///< that ended after it, that began before it
  std::optional<std::string> at;            ///< as they were at this moment
  std::optional<std::uint64_t> limit;
  std::optional<bool> open;        ///< only those still open
  std::optional<std::string> min;  ///< at least so long, like 10min
  static constexpr Asks kAsks{"last", true};
  struct Row {
    std::string user;
    std::uint64_t number = 0;
    Moment from;
    std::optional<Moment> to;  ///< none while it is open
    Seconds seconds;    ///< while it is open, up to the log's last event; with `at`, up to it
    std::string state;  ///< ended, open, or unknown: nobody watched at the moment
    std::optional<std::string> cause;
    std::uint64_t login_seq = 0;
    std::optional<std::uint64_t> end_seq;
  };
  struct Summary {
    std::uint64_t upto = 0;  ///< the last event that was looked at
    Moment at;
    Coverage coverage;
    std::vector<GapRow> gaps;  ///< of the range; of the moment, if one is given
  };
};
BOOST_DESCRIBE_STRUCT(SessionsQuestion, (Whose), (since, until, at, limit, open, min))
BOOST_DESCRIBE_STRUCT(SessionsQuestion::Row, (),
                      (user, number, from, to, seconds, state, cause, login_seq, end_seq))
BOOST_DESCRIBE_STRUCT(SessionsQuestion::Summary, (), (upto, at, coverage, gaps))

[[nodiscard]] Result<void> check(const SessionsQuestion& q);
[[nodiscard]] Result<SessionsQuestion::Summary> answer(const Desk& desk, const SessionsQuestion& q,
                                                       const RowSink<SessionsQuestion::Row>& row);

}  // namespace rollcall::replay::inline question
