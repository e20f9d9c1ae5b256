// The sequencer: stamps proposals with seq, time and prev, after appending what fell due before.
//
// Why this file exists: live, import and replay must give every event the same place. Before it
// stamps an event t, the sequencer appends the conclusion of every deadline strictly before t, in
// order of (deadline, user, session, kind): history does not depend on when a timer thread wakes.
// Pure: time comes in as an argument.
#pragma once

#include "engine/reducer.h"

#include <map>
#include <queue>
#include <tuple>
#include <vector>

namespace rollcall::engine {

/// An event with its place in the log, and the outcome of applying it.
struct Sequenced {
  Header header;
  Outcome outcome = Outcome::Applied;
};

class Sequencer {
 public:
  /// Takes over a state (from a replay) and rebuilds its timers.
  explicit Sequencer(State state);

  [[nodiscard]] const State& state() const { return state_; }
  /// For a digester, which clears the dirty marks of the pages it has hashed.
  [[nodiscard]] State& state_for_digest() { return state_; }

  /// Gives `draft` (kind, cause, flags, user, session, epoch, body and a…d are the caller's) its
  /// seq, prev and time = max(at, last at), after the conclusions due strictly before that. If the
  /// user has too many sessions then, the least recently active is logged out (C11).
  /// Adds everything appended to `out`, in order, with what apply() reports of each, and returns
  /// the draft's own index in it.
  std::size_t append(const Header& draft, Micros at, std::vector<Sequenced>& out,
                     std::vector<Transition>& transitions, Effects* effects = nullptr);

  /// For the two facts about time itself, ClockStep and our own NodeDown after a restart: they
  /// move the open deadlines, so no conclusion is appended before them.
  std::size_t append_unconcluded(const Header& draft, Micros at, std::vector<Sequenced>& out,
                                 std::vector<Transition>& transitions, Effects* effects = nullptr);

  /// Remembers a sign of life without logging it. If the session's deadline falls due, it is
  /// appended (active until `at`) instead of the Inactivity, so that nobody turns Away early.
  void hold_touch(Seq session, Micros at);
  /// Appends the remembered touches that are newer than the logged ones: for a drain.
  void flush_touches(Micros at, std::vector<Sequenced>& out, std::vector<Transition>& transitions,
                     Effects* effects = nullptr);

  /// Appends only the conclusions due strictly before `at`.
  void conclude(Micros at, std::vector<Sequenced>& out, std::vector<Transition>& transitions,
                Effects* effects = nullptr);

  /// The earliest time at which a deadline may fall due, if there is any.
  [[nodiscard]] std::optional<Micros> next_deadline() const;

 private:
  enum class Timer : std::uint8_t { Inactivity = 0, StatusCleared = 1, Logout = 2 };
  struct Deadline {  // in this order 24 bytes instead of 32; each session has two
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
             std::vector<Transition>& transitions, Effects* effects);
  void supersede(UserNumber user, std::vector<Sequenced>& out, std::vector<Transition>& transitions,
                 Effects* effects);
  void arm_session(const Session& session);
  void arm_idle(const Session& session);
  void arm_end(const Session& session);
  void arm_after(const Effect& effect);
  void rearm_all();
  [[nodiscard]] std::optional<Header> held_touch(Seq session) const;
  [[nodiscard]] std::optional<Micros> deadline_of(const Deadline& entry) const;
  [[nodiscard]] Header conclusion(const Deadline& due) const;

  State state_;
  Effects did_;  ///< of the event at hand: timers are armed by them
  // A deadline that moves later leaves its entry where it is: when the entry comes up, it is
  // compared with the real deadline and, if early, inserted again. An ordered set updated on
  // every activity would cost twenty times as much.
  std::priority_queue<Deadline, std::vector<Deadline>, std::greater<>> deadlines_;
  std::map<Seq, Micros> touches_;  ///< session → newest sign of life that is not in the log
};

/// When `session` turns Away, and when it ends by grace or ttl; nothing if that cannot happen.
[[nodiscard]] std::optional<Micros> idle_deadline(const Policy& policy, const Session& session);
[[nodiscard]] std::optional<Micros> end_deadline(const Policy& policy, const Session& session);

}  // namespace rollcall::engine
