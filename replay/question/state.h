// state: how one person is at a moment, with every open session, and why: each part of it with the
// event and the rule that made it.
#pragma once

#include "replay/question/coverage.h"

namespace rollcall::replay::inline question {

struct StateQuestion : Whose {
  std::optional<std::string> at;  ///< a moment; the last that is known if none is given
  std::optional<bool> explain;    ///< with the reasons, a row each
  static constexpr Asks kAsks{"state", true};
  /// A part of the answer, and what made it so.
  struct Row {
    std::string part;  ///< unknown, state, session, activity, away, detached, link, due, status,
                       ///< room, last_seen
    std::optional<std::uint64_t> session;  ///< whose part it is
    std::optional<std::uint64_t> seq;      ///< of the event; none of what is due and not logged yet
    std::optional<Moment> at;              ///< of the event; of what is due, when
    std::optional<std::string> kind, cause;
    std::string says;
    std::optional<std::string> rule, rule_says;  ///< of docs/presence.md
  };
  struct Session {
    std::uint64_t login_seq = 0;
    std::string state;  ///< on, away
    Moment opened_at, last_activity;
    std::optional<Moment> away_since;
    std::uint64_t links = 0;
    std::optional<Moment> detached_at;       ///< without a link: from when its grace counts
    std::optional<Moment> away_at, ends_at;  ///< if nothing happens before
    std::optional<std::string> ends_by;      ///< grace_expired, ttl_expired; with ends_at
    std::optional<std::string> address, device, agent;
  };
  struct Summary {
    std::string user;
    std::uint64_t number = 0;
    std::string state;                      ///< unknown: nobody watched then
    std::optional<std::string> last_known;  ///< with unknown: how it was before
    std::optional<Moment> since, last_seen;
    std::uint64_t sessions = 0;
    std::optional<std::string> shown_as;  ///< to others, if not as it is
    std::string status;                   ///< none, away, invisible: set by hand
    bool do_not_disturb = false;
    std::optional<Moment> until;             ///< when the status ends by itself
    std::optional<std::string> text, emoji;  ///< of the status
    std::vector<std::string> rooms;          ///< attended
    std::vector<Session> open;
    std::uint64_t seq = 0;            ///< the last event not later than the moment
    std::optional<std::string> root;  ///< of the log up to it, base64
    Moment at;
    Coverage coverage;
    std::vector<GapRow> gaps;  ///< that the moment lies in
  };
};
BOOST_DESCRIBE_STRUCT(StateQuestion, (Whose), (at, explain))
BOOST_DESCRIBE_STRUCT(StateQuestion::Row, (),
                      (part, session, seq, at, kind, cause, says, rule, rule_says))
BOOST_DESCRIBE_STRUCT(StateQuestion::Session, (),
                      (login_seq, state, opened_at, last_activity, away_since, links, detached_at,
                       away_at, ends_at, ends_by, address, device, agent))
BOOST_DESCRIBE_STRUCT(StateQuestion::Summary, (),
                      (user, number, state, last_known, since, last_seen, sessions, shown_as,
                       status, do_not_disturb, until, text, emoji, rooms, open, seq, root, at,
                       coverage, gaps))

[[nodiscard]] Result<void> check(const StateQuestion& q);
[[nodiscard]] Result<StateQuestion::Summary> answer(const Desk& desk, const StateQuestion& q,
                                                    const RowSink<StateQuestion::Row>& row);

}  // namespace rollcall::replay::inline question
