// The sequencer: stamps proposals with seq, time and prev, and concludes what fell due before them.
//
// Why this file exists: live, import and replay must give every event the same place. Before
// anything is stamped t, the conclusions of every deadline strictly before t are appended, ordered
// by (deadline, user, session, kind), so a history does not depend on when a timer thread woke up.
// Pure: time comes in as an argument.
#pragma once

#include "engine/reducer.h"

#include <map>
#include <queue>
#include <tuple>
#include <vector>

namespace rollcall::engine {

/// An event that has its place, with what applying it gave.
struct Sequenced {
  Header header;
  Outcome outcome = Outcome::Applied;
};

class Sequencer {
 public:
  /// Takes over a state (from a replay) and rebuilds its timers.
  explicit Sequencer(State state);

  [[nodiscard]] const State& state() const { return state_; }
  /// For a digester, which clears the marks of the pages it has seen.
  [[nodiscard]] State& state_for_digest() { return state_; }

  /// Gives `draft` (kind, cause, flags, user, session, epoch, body and a…d are the caller's) its
  /// seq, prev and time = max(at, last at), after the conclusions due strictly before that; an
  /// eleventh session of a user is followed by the Logout of the least recently active (C11).
  /// Everything appended is added to `out`, in order; the draft's own index in it is returned.
  std::size_t append(const Header& draft, Micros at, std::vector<Sequenced>& out,
                     std::vector<Transition>& transitions);

  /// For the two facts about time itself, ClockStep and the NodeDown of ourselves after a restart:
  /// they move the open deadlines, so nothing is concluded before them.
  std::size_t append_unconcluded(const Header& draft, Micros at, std::vector<Sequenced>& out,
                                 std::vector<Transition>& transitions);

  /// A sign of life that is not logged now. When the session's deadline falls due, it is appended
  /// (active until `at`) in place of the Inactivity, so that nobody goes Away early.
  void hold_touch(Seq session, Micros at);
  /// The held touches that are newer than what is logged, appended: for a drain.
  void flush_touches(Micros at, std::vector<Sequenced>& out, std::vector<Transition>& transitions);

  /// Only the conclusions due strictly before `at`.
  void conclude(Micros at, std::vector<Sequenced>& out, std::vector<Transition>& transitions);

  /// The earliest time at which something may fall due, if anything may.
  [[nodiscard]] std::optional<Micros> next_deadline() const;

 private:
  enum class Timer : std::uint8_t { Inactivity = 0, StatusCleared = 1, Logout = 2 };
  struct Deadline {  // in this order 24 bytes instead of 32: there are two a session
    Micros at;
    Seq session;
    UserNumber user;
    Timer timer;
    Deadline(Micros when, UserNumber whose, Seq which, Timer what)
        : at(when), session(which), user(whose), timer(what) {}
    auto operator<=>(const Deadline& o) const {
      return std::tie(at, user, session, timer) <=> std::tie(o.at, o.user, o.session, o.timer);
    }
  };

  void place(Header header, Micros at, std::vector<Sequenced>& out,
             std::vector<Transition>& transitions);
  void supersede(UserNumber user, std::vector<Sequenced>& out,
                 std::vector<Transition>& transitions);
  void arm_status(UserNumber user);
  void arm_session(const Session& session);
  void arm_idle(const Session& session);
  void arm_end(const Session& session);
  [[nodiscard]] Seq away_session(const Header& activity) const;
  void rearm_all();
  [[nodiscard]] std::optional<Header> held_touch(Seq session) const;
  [[nodiscard]] std::optional<Micros> deadline_of(const Deadline& entry) const;
  [[nodiscard]] Header conclusion(const Deadline& due) const;

  State state_;
  // Entries are never moved when a deadline moves later: when one comes up, the real deadline is
  // looked at and the entry put back if it is later. One ordered set updated on every activity
  // would cost twenty times as much.
  std::priority_queue<Deadline, std::vector<Deadline>, std::greater<>> deadlines_;
  std::map<Seq, Micros> touches_;  ///< session → newest sign of life that is not in the log
};

/// When `session` turns Away, and when it ends by grace or ttl; nothing where neither can be.
[[nodiscard]] std::optional<Micros> idle_deadline(const Policy& policy, const Session& session);
[[nodiscard]] std::optional<Micros> end_deadline(const Policy& policy, const Session& session);

}  // namespace rollcall::engine
