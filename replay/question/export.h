// export --format bundle, subject export: history that leaves the store.
#pragma once

#include "replay/question/bundle_rows.h"
#include "replay/question/filter.h"

namespace rollcall::replay::inline question {

/// The events that match, as a bundle that proves itself; what is signed of them.
struct BundleQuestion : EventFilter {
  std::optional<std::string> complete;  ///< chain (of one user), headers (of a range), none
  static constexpr Asks kAsks{"export", true};
  using Row = BundleFile;
  struct Summary {
    std::uint64_t events = 0;  ///< with their texts
    std::uint64_t size = 0;    ///< of the signed checkpoint
  };
};
BOOST_DESCRIBE_STRUCT(BundleQuestion, (EventFilter), (complete))
BOOST_DESCRIBE_STRUCT(BundleQuestion::Summary, (), (events, size))

[[nodiscard]] Result<void> check(const BundleQuestion& q);
[[nodiscard]] Result<BundleQuestion::Summary> answer(const Desk& desk, const BundleQuestion& q,
                                                     const RowSink<BundleFile>& row);

/// All that is held about a person.
struct SubjectQuestion {
  std::optional<std::string> user;      ///< by name, or
  std::optional<std::uint64_t> number;  ///< by number
  static constexpr Asks kAsks{"subject export", true};
  using Row = NoRow;
  struct State {
    std::string state, visible, since, last_seen;  ///< times as RFC 3339; empty: never
    bool do_not_disturb = false, forgotten = false;
  };
  struct Session {
    std::uint64_t session = 0;
    std::string state;
    Moment opened_at, last_activity_at;
  };
  struct Summary {
    std::string log, user;
    std::uint64_t user_number = 0, as_of_seq = 0;
    State state;
    std::vector<Session> sessions;
    std::vector<json::object> events;  ///< these and the next three as `audit -o json`
    std::vector<json::object> events_of_others_about_the_person, reads_of_the_persons_history,
        holds_and_erasure_requests;
  };
};
BOOST_DESCRIBE_STRUCT(SubjectQuestion, (), (user, number))
BOOST_DESCRIBE_STRUCT(SubjectQuestion::State, (),
                      (state, visible, since, last_seen, do_not_disturb, forgotten))
BOOST_DESCRIBE_STRUCT(SubjectQuestion::Session, (), (session, state, opened_at, last_activity_at))
BOOST_DESCRIBE_STRUCT(SubjectQuestion::Summary, (),
                      (log, user, user_number, as_of_seq, state, sessions, events,
                       events_of_others_about_the_person, reads_of_the_persons_history,
                       holds_and_erasure_requests))

[[nodiscard]] Result<void> check(const SubjectQuestion& q);
[[nodiscard]] Result<SubjectQuestion::Summary> answer(const Desk& desk, const SubjectQuestion& q,
                                                      const RowSink<NoRow>& row);

}  // namespace rollcall::replay::inline question
