// who: who was here at a moment, in what state, from where; proof of it for one person.
#pragma once

#include "replay/question/bundle_rows.h"
#include "replay/question/coverage.h"

namespace rollcall::replay::inline question {

struct PresenceQuestion : Whose {
  std::optional<std::string> at;     ///< a moment; the last that is known if none is given
  std::optional<std::string> users;  ///< further names in one text (names_in()); unknown ones are
                                     ///< passed over
  std::vector<std::string> state;    ///< online, away, offline, unknown, any; else who is not
                                     ///< offline, or those who are named
  std::optional<std::string> room;   ///< only who attended this channel
  std::optional<std::uint64_t> limit;
  std::optional<bool> detail;  ///< with `from` and `rooms`, which cost reading
  static constexpr Asks kAsks{"who", true};
  struct Row {
    std::string user;
    std::uint64_t number = 0;
    std::string state;                      ///< unknown: nobody watched then
    std::optional<std::string> last_known;  ///< with unknown: how it was before
    std::optional<Moment> since, last_seen, last_activity;
    std::uint64_t sessions = 0;
    bool do_not_disturb = false;
    std::optional<std::string> text, emoji;  ///< of the status
    std::vector<std::string> from;           ///< addresses of the open sessions
    std::vector<std::string> rooms;          ///< attended
  };
  struct Summary {
    std::uint64_t seq = 0;                            ///< the last event not later than the moment
    std::optional<std::string> root;                  ///< of the log up to it, base64
    Moment at;                                        ///< the moment; for seq:N that event's time
    std::uint64_t online = 0, away = 0, unknown = 0;  ///< of all
    std::uint64_t asked_online = 0, asked_away = 0, asked_offline = 0,
                  asked_unknown = 0;  ///< of those who match
    Coverage coverage;
    std::vector<GapRow> gaps;   ///< that the moment lies in
    std::optional<GapRow> gap;  ///< the first of them
  };
};
BOOST_DESCRIBE_STRUCT(PresenceQuestion, (Whose), (at, users, state, room, limit, detail))
BOOST_DESCRIBE_STRUCT(PresenceQuestion::Row, (),
                      (user, number, state, last_known, since, last_seen, last_activity, sessions,
                       do_not_disturb, text, emoji, from, rooms))
BOOST_DESCRIBE_STRUCT(PresenceQuestion::Summary, (),
                      (seq, root, at, online, away, unknown, asked_online, asked_away,
                       asked_offline, asked_unknown, coverage, gaps, gap))

/// A person's state as it is told: unknown, with how it was before, of who was here when nobody
/// watched; for who was here then may have left, and nothing says so.
struct ToldState {
  std::string state;
  std::optional<std::string> last_known;
};
[[nodiscard]] ToldState told_state(const engine::User& user, Known known);
/// What a person's status in force says; empty if it says nothing.
struct StatusText {
  std::optional<std::string> text, emoji;
};
[[nodiscard]] StatusText status_text(const Reader& reader, const engine::User& user);
/// Of the log's first `seq` events, base64; none of none.
[[nodiscard]] Result<std::optional<std::string>> root_text(const Reader& reader, Seq seq);
/// None of 0, which stands for never.
[[nodiscard]] std::optional<Moment> moment_of(Micros at);

[[nodiscard]] Result<void> check(const PresenceQuestion& q);
/// All who are named.
[[nodiscard]] Whose named_in(const PresenceQuestion& q);
[[nodiscard]] Result<PresenceQuestion::Summary> answer(const Desk& desk, const PresenceQuestion& q,
                                                       const RowSink<PresenceQuestion::Row>& row);

/// The bundle that proves one person's state at a moment.
struct PresenceProofQuestion : Whose {
  std::optional<std::string> at;
  static constexpr Asks kAsks{"who --proof", true};
  using Row = BundleFile;
  struct Summary {
    std::uint64_t number = 0, seq = 0;
  };
};
BOOST_DESCRIBE_STRUCT(PresenceProofQuestion, (Whose), (at))
BOOST_DESCRIBE_STRUCT(PresenceProofQuestion::Summary, (), (number, seq))

[[nodiscard]] Result<void> check(const PresenceProofQuestion& q);
[[nodiscard]] Result<PresenceProofQuestion::Summary> answer(const Desk& desk,
                                                            const PresenceProofQuestion& q,
                                                            const RowSink<BundleFile>& row);

}  // namespace rollcall::replay::inline question
