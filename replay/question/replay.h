// replay: history again, event by event, and whether it still gives the states that were logged.
#pragma once

#include "replay/question/coverage.h"

namespace rollcall::replay::inline question {

struct ReplayQuestion : Whose {
  std::optional<std::string> from, to;  ///< at or after, before; the whole log if none are given
  std::optional<bool> silent;           ///< no rows: the counts alone
  std::optional<std::uint64_t> limit;   ///< at most so many rows: it ends with the last of them
  static constexpr Asks kAsks{"replay", true};
  /// An event; with from and to if it changed its user's state. What else it changed, like a node
  /// that died with many people on it, is a row each behind it, of the same seq.
  struct Row {
    std::uint64_t seq = 0;
    Moment at;
    std::string user;  ///< empty for an event of the app itself
    std::uint64_t number = 0, session = 0;
    std::string kind, cause;
    std::optional<std::string> from, to;
  };
  /// Somebody whose state events between two digests could change.
  struct Touched {
    std::string user;
    std::uint64_t number = 0, events = 0;
  };
  /// Events of one kind that met one rule.
  struct Met {
    std::string kind;
    std::optional<std::string> rule, says;  ///< of docs/presence.md
    std::uint64_t events = 0;
  };
  /// The first logged digest of the state that the replay does not give.
  struct Divergence {
    std::uint64_t seq = 0;        ///< of the event that states it
    std::uint64_t agreed = 0;     ///< the last before it that agreed; 0: none did
    std::string history, replay;  ///< the digests, hex
    // A digest does not say where it differs, but only what lies between the two can be the cause.
    std::uint64_t events = 0;      ///< between them, or from the first replayed one on
    std::uint64_t users = 0;       ///< that they touched
    std::vector<Touched> touched;  ///< the first few, by number
    std::vector<Met> met;          ///< the most frequent first
  };
  struct Summary {
    std::uint64_t first = 0, last = 0;  ///< seqs; 0, 0 if nothing lies in the range
    std::uint64_t events = 0, transitions = 0;
    std::uint64_t online = 0, away = 0;  ///< people at the end of it
    std::uint64_t digests = 0;           ///< compared
    std::uint64_t not_checked = 0;       ///< of another version of the reducer
    std::optional<Divergence> divergence;
    Coverage coverage;
    std::vector<GapRow> gaps;  ///< of the range
  };
};
BOOST_DESCRIBE_STRUCT(ReplayQuestion, (Whose), (from, to, silent, limit))
BOOST_DESCRIBE_STRUCT(ReplayQuestion::Row, (),
                      (seq, at, user, number, session, kind, cause, from, to))
BOOST_DESCRIBE_STRUCT(ReplayQuestion::Touched, (), (user, number, events))
BOOST_DESCRIBE_STRUCT(ReplayQuestion::Met, (), (kind, rule, says, events))
BOOST_DESCRIBE_STRUCT(ReplayQuestion::Divergence, (),
                      (seq, agreed, history, replay, events, users, touched, met))
BOOST_DESCRIBE_STRUCT(ReplayQuestion::Summary, (),
                      (first, last, events, transitions, online, away, digests, not_checked,
                       divergence, coverage, gaps))

[[nodiscard]] Result<void> check(const ReplayQuestion& q);
[[nodiscard]] Result<ReplayQuestion::Summary> answer(const Desk& desk, const ReplayQuestion& q,
                                                     const RowSink<ReplayQuestion::Row>& row);

}  // namespace rollcall::replay::inline question
