// store info, store gaps, checkpoint, key, hold list, retention: what is known of a log itself.
#pragma once

#include "replay/question/question.h"

namespace rollcall::replay::inline question {

struct StoreQuestion {
  static constexpr Asks kAsks{"store info", false};
  using Row = NoRow;
  struct Summary {
    std::string origin;
    std::uint64_t events = 0, users = 0, erased = 0;
    std::optional<Moment> last_at;
    std::uint64_t signed_size = 0;
  };
};
BOOST_DESCRIBE_STRUCT(StoreQuestion, (), ())
BOOST_DESCRIBE_STRUCT(StoreQuestion::Summary, (),
                      (origin, events, users, erased, last_at, signed_size))

/// The time limits in force at the log's end.
struct PolicyQuestion {
  static constexpr Asks kAsks{"policy show", false};
  using Row = NoRow;
  struct Summary {
    Seconds idle_after_s;
    std::optional<std::uint64_t> ttl_s;  ///< none: off
    std::uint64_t grace_clean_s = 0, grace_abort_s = 0, grace_node_s = 0, grace_drain_s = 0;
    std::uint64_t sessions_max = 0;
  };
};
BOOST_DESCRIBE_STRUCT(PolicyQuestion, (), ())
BOOST_DESCRIBE_STRUCT(PolicyQuestion::Summary, (),
                      (idle_after_s, ttl_s, grace_clean_s, grace_abort_s, grace_node_s,
                       grace_drain_s, sessions_max))
[[nodiscard]] PolicyQuestion::Summary summary_of(const engine::Policy& policy);

/// When nobody watched: from the last word to the next start.
struct GapsQuestion {
  static constexpr Asks kAsks{"store gaps", false};
  struct Row {
    std::uint64_t seq = 0;  ///< of the event that tells it
    Moment from, to;
    Seconds seconds;
  };
  using Summary = NoSummary;
};
BOOST_DESCRIBE_STRUCT(GapsQuestion, (), ())
BOOST_DESCRIBE_STRUCT(GapsQuestion::Row, (), (seq, from, to, seconds))

/// Every checkpoint ever signed, oldest first.
struct CheckpointsQuestion {
  std::optional<bool> newest;  ///< only the newest; an error if nothing was ever signed
  static constexpr Asks kAsks{"checkpoint history", false};
  struct Row {
    std::uint64_t size = 0;
    std::string root;  ///< base64
    std::uint64_t signatures = 0;
    std::string note;  ///< C2SP signed note
  };
  using Summary = NoSummary;
};
BOOST_DESCRIBE_STRUCT(CheckpointsQuestion, (), (newest))
BOOST_DESCRIBE_STRUCT(CheckpointsQuestion::Row, (), (size, root, signatures, note))

/// The keys that may sign, the one in use first.
struct KeysQuestion {
  static constexpr Asks kAsks{"key show", false, Opens::Files};
  struct Row {
    std::string vkey;
  };
  using Summary = NoSummary;
};
BOOST_DESCRIBE_STRUCT(KeysQuestion, (), ())
BOOST_DESCRIBE_STRUCT(KeysQuestion::Row, (), (vkey))

struct HoldsQuestion {
  static constexpr Asks kAsks{"hold list", false};
  struct Row {
    std::string user;
    std::uint64_t number = 0;
    Moment since;
    std::uint64_t seq = 0;
    std::string reason, ticket;
  };
  using Summary = NoSummary;
};
BOOST_DESCRIBE_STRUCT(HoldsQuestion, (), ())
BOOST_DESCRIBE_STRUCT(HoldsQuestion::Row, (), (user, number, since, seq, reason, ticket))

struct RetentionQuestion {
  static constexpr Asks kAsks{"retention show", false};
  struct Row {
    std::string kind;
    Seconds keep;
  };
  using Summary = NoSummary;
};
BOOST_DESCRIBE_STRUCT(RetentionQuestion, (), ())
BOOST_DESCRIBE_STRUCT(RetentionQuestion::Row, (), (kind, keep))

/// What applying the rules would drop now.
struct RetentionPlanQuestion {
  static constexpr Asks kAsks{"retention plan", false};
  struct Row {
    std::string kind;
    Seconds keep;
    std::uint64_t up_to = 0, bodies = 0, held = 0;
  };
  using Summary = NoSummary;
};
BOOST_DESCRIBE_STRUCT(RetentionPlanQuestion, (), ())
BOOST_DESCRIBE_STRUCT(RetentionPlanQuestion::Row, (), (kind, keep, up_to, bodies, held))

[[nodiscard]] Result<StoreQuestion::Summary> answer(const Desk& desk, const StoreQuestion& q,
                                                    const RowSink<NoRow>& row);
[[nodiscard]] Result<NoSummary> answer(const Desk& desk, const GapsQuestion& q,
                                       const RowSink<GapsQuestion::Row>& row);
[[nodiscard]] Result<NoSummary> answer(const Desk& desk, const CheckpointsQuestion& q,
                                       const RowSink<CheckpointsQuestion::Row>& row);
[[nodiscard]] Result<NoSummary> answer(const Desk& desk, const KeysQuestion& q,
                                       const RowSink<KeysQuestion::Row>& row);
[[nodiscard]] Result<NoSummary> answer(const Desk& desk, const HoldsQuestion& q,
                                       const RowSink<HoldsQuestion::Row>& row);
[[nodiscard]] Result<NoSummary> answer(const Desk& desk, const RetentionQuestion& q,
                                       const RowSink<RetentionQuestion::Row>& row);
[[nodiscard]] Result<NoSummary> answer(const Desk& desk, const RetentionPlanQuestion& q,
                                       const RowSink<RetentionPlanQuestion::Row>& row);

[[nodiscard]] Result<PolicyQuestion::Summary> answer(const Desk& desk, const PolicyQuestion& q,
                                                     const RowSink<NoRow>& row);

}  // namespace rollcall::replay::inline question
