// Presence as docs/presence.md says it, in maps and ifs: what the fault simulation holds the log
// against.
//
// Why this file exists: a simulation that predicts with the engine's own rules finds no mistake in
// them. This is written from the document alone and shares the engine's vocabulary, not its rules:
// no heap of timers, no marks, no effects. Slow, and a value: a crash goes back to an older copy.
#pragma once

#include "engine/reducer.h"

#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

namespace rollcall::test {

class PlainModel {
 public:
  using Seq = engine::Seq;
  using Micros = engine::Micros;
  using UserNumber = engine::UserNumber;

  struct Session {
    UserNumber user = 0;
    std::pair<std::uint64_t, std::uint64_t> tag;
    bool away = false, ever_linked = false, detached = false;
    engine::Cause detached_reason = engine::Cause::None;
    Micros opened_at = 0, last_activity_at = 0;
    Micros idle_from = 0, detached_from = 0;  ///< the last activity and the detaching, as moved
    std::uint64_t act_rev = 1, det_rev = 0, producer_no = 0;
    std::set<std::pair<std::uint64_t, std::uint64_t>> links;  ///< node and epoch, connection
  };
  struct Person {
    Seq last_seq = 0;
    bool enrolled = false, erased = false;
    engine::Override manual = engine::Override::None;
    bool do_not_disturb = false;
    Seq status_seq = 0;
    std::uint64_t override_rev = 0;
    Micros until = 0, since = 0, last_seen = 0;
    engine::Presence derived{}, state{}, visible{};
    std::map<std::pair<std::uint64_t, std::uint64_t>, std::uint32_t> attends;  ///< channel, node
  };
  /// What must come to stand in the log; the body's fields are left out.
  using Story = std::vector<engine::Header>;

  /// Conclusions due strictly before `at`, then the event, then who was superseded by it.
  engine::Outcome append(engine::Header event, Micros at, Story& story);
  void conclude(Micros at, Story& story);
  /// A bare sign of life of an open session.
  void touch(Seq session, Micros at, Story& story);
  /// Whoever's node was open died; and a process of `node` starts. Gives its node and epoch.
  void nodes_died(Micros at, Story& story);
  std::uint64_t restart(std::uint32_t node, Micros at, Story& story);
  void clock_step(Micros step, Micros at, Story& story);
  void farewell(Micros at, Story& story);
  /// What only the process knew.
  void forget_touches() { touches_.clear(); }

  [[nodiscard]] Seq last() const { return seq_; }
  [[nodiscard]] Micros at() const { return at_; }
  [[nodiscard]] Micros clock_offset() const { return clock_offset_; }
  [[nodiscard]] const engine::Policy& policy() const { return policy_; }
  [[nodiscard]] const std::vector<Person>& people() const { return people_; }
  [[nodiscard]] const std::map<Seq, Session>& sessions() const { return sessions_; }
  [[nodiscard]] std::vector<Seq> sessions_of(UserNumber user) const;
  /// The same as the engine's plain value, of which digests are made.
  [[nodiscard]] engine::State as_state() const;
  /// The first thing that is not as in `state`, for people; empty if all is.
  [[nodiscard]] std::string difference(const engine::State& state) const;

 private:
  /// In the order in which deadlines of one time are concluded.
  enum class Timer : std::uint8_t { Inactivity, StatusCleared, Logout };
  struct Due {
    Micros at;
    UserNumber user;
    Seq session;
    Timer timer;
    auto operator<=>(const Due&) const = default;
  };
  [[nodiscard]] std::optional<Due> first_due() const;
  [[nodiscard]] Micros grace_of(const Session& session) const;
  engine::Outcome write(engine::Header event, Micros at, Story& story);
  engine::Outcome happen(const engine::Header& event);
  engine::Outcome login(const engine::Header& event);
  engine::Outcome logout(const engine::Header& event);
  engine::Outcome activity(const engine::Header& event);
  engine::Outcome inactivity(const engine::Header& event);
  engine::Outcome link(const engine::Header& event);
  engine::Outcome node(const engine::Header& event);
  engine::Outcome status(const engine::Header& event);
  engine::Outcome membership(const engine::Header& event);
  void detach(Session& session, engine::Cause reason);
  void end_node(std::uint32_t node, std::uint64_t upto, engine::Cause reason);
  void move_deadlines(Micros by, bool graces);
  void recompute(UserNumber user);
  [[nodiscard]] engine::Header touch_event(Seq session, Micros until) const;

  Seq seq_ = 0;
  Micros at_ = 0, clock_offset_ = 0;
  engine::Policy policy_;
  std::vector<Person> people_ = std::vector<Person>(1);  ///< [0] is the app itself
  std::map<Seq, Session> sessions_;
  std::map<std::uint32_t, std::uint64_t> opened_, closed_;  ///< node → newest epoch
  std::map<Seq, Micros> touches_;                           ///< held: session → when
};

}  // namespace rollcall::test
