// whatif: what would have been under another policy, without somebody, or with a node lost.
#pragma once

#include "replay/question/coverage.h"

namespace rollcall::replay::inline question {

struct WhatIfQuestion {
  std::vector<std::string> set;            ///< NAME=VALUE of a policy (replay/policy_setting.h)
  std::optional<std::string> without;      ///< a user by name
  std::optional<std::uint64_t> lose_node;  ///< with `at`: this node dies then
  std::optional<std::string> at;           ///< also: who would have been away then
  std::optional<std::string> from, to;     ///< the range; the whole log if none are given
  static constexpr Asks kAsks{"whatif", true};
  struct Lengths {
    Seconds actual, what_if;
  };
  struct Counts {
    std::uint64_t actual = 0, what_if = 0;
  };
  /// Somebody for whom it would have been different.
  struct Row {
    std::string user;
    std::uint64_t number = 0;
    Lengths online_s, away_s;
  };
  struct Edge {
    std::string from, to;
    std::uint64_t actual = 0, what_if = 0;
  };
  struct Summary {
    Seconds idle_after_s;
    std::optional<std::uint64_t> ttl_s;  ///< none: off
    std::uint64_t grace_clean_s = 0, grace_abort_s = 0, grace_node_s = 0, grace_drain_s = 0;
    std::uint64_t sessions_max = 0;
    std::vector<Edge> transitions;
    Lengths online_s, away_s;            ///< of everybody
    Counts peak;                         ///< most online at once
    std::optional<Counts> away_at;       ///< people away at the moment
    std::vector<std::string> only_away;  ///< who would have been, and was not
    /// Conclusions of timers: in both, in history alone, in what would have been alone.
    std::uint64_t same = 0, actual_only = 0, what_if_only = 0;
    /// Signs of life are logged once a minute: an idle_after below two minutes is told as exactly
    /// as that.
    bool coarse = false;
    Coverage coverage;
    std::vector<GapRow> gaps;  ///< none but of the moment
  };
};
BOOST_DESCRIBE_STRUCT(WhatIfQuestion, (), (set, without, lose_node, at, from, to))
BOOST_DESCRIBE_STRUCT(WhatIfQuestion::Lengths, (), (actual, what_if))
BOOST_DESCRIBE_STRUCT(WhatIfQuestion::Counts, (), (actual, what_if))
BOOST_DESCRIBE_STRUCT(WhatIfQuestion::Row, (), (user, number, online_s, away_s))
BOOST_DESCRIBE_STRUCT(WhatIfQuestion::Edge, (), (from, to, actual, what_if))
BOOST_DESCRIBE_STRUCT(WhatIfQuestion::Summary, (),
                      (idle_after_s, ttl_s, grace_clean_s, grace_abort_s, grace_node_s,
                       grace_drain_s, sessions_max, transitions, online_s, away_s, peak, away_at,
                       only_away, same, actual_only, what_if_only, coarse, coverage, gaps))

[[nodiscard]] Result<void> check(const WhatIfQuestion& q);
[[nodiscard]] Result<WhatIfQuestion::Summary> answer(const Desk& desk, const WhatIfQuestion& q,
                                                     const RowSink<WhatIfQuestion::Row>& row);

}  // namespace rollcall::replay::inline question
