// Two histories side by side: the logged one, and the one that is made of it.
#include "replay/whatif.h"

#include "engine/sequencer.h"

#include <algorithm>
#include <array>
#include <limits>
#include <tuple>
#include <unordered_map>

namespace rollcall::replay {
namespace {

using engine::Cause;
using engine::Kind;
using engine::Presence;
using engine::Transition;

/// What no one did: a timer concluded it.
bool concluded(const Header& h) {
  return h.cause == Cause::IdleTimeout || h.cause == Cause::GraceExpired ||
         h.cause == Cause::TtlExpired ||
         (h.kind == Kind::StatusCleared && h.cause == Cause::Expired);
}

/// Time online and away, by person and in all, and how many at once.
class Tally {
 public:
  Tally(const engine::State& state, Micros from, UserNumber without) : begun_(from) {
    users_.resize(state.users.size());
    for (UserNumber n = 1; n < state.users.size(); ++n) {
      if (n == without) continue;
      users_[n].state = state.users[n].state;
      users_[n].since = from;
      online_now_ += users_[n].state == Presence::Online;
    }
    peak = online_now_;
  }

  void note(const Transition& change, Micros at) {
    if (change.from == change.to) return;
    if (users_.size() <= change.user) users_.resize(change.user + 1);
    One& one = users_[change.user];
    add(one, at);
    one.state = change.to;
    online_now_ += change.to == Presence::Online;
    online_now_ -= change.from == Presence::Online;
    peak = std::max(peak, online_now_);
    ++edges[{change.from, change.to}];
  }
  void end(Micros at) {
    for (One& one : users_) add(one, at);
  }
  [[nodiscard]] std::vector<UserNumber> away() const {
    std::vector<UserNumber> out;
    for (UserNumber n = 1; n < users_.size(); ++n)
      if (users_[n].state == Presence::Away) out.push_back(n);
    return out;
  }
  [[nodiscard]] std::size_t users() const { return users_.size(); }
  [[nodiscard]] Micros online(UserNumber n) const {
    return n < users_.size() ? users_[n].lasted[static_cast<std::size_t>(Presence::Online)] : 0;
  }
  [[nodiscard]] Micros away(UserNumber n) const {
    return n < users_.size() ? users_[n].lasted[static_cast<std::size_t>(Presence::Away)] : 0;
  }

  std::map<std::pair<Presence, Presence>, std::uint64_t> edges;
  std::uint64_t peak = 0;

 private:
  struct One {
    Presence state = Presence::Offline;
    Micros since = 0;
    std::array<Micros, 3> lasted{};
  };
  void add(One& one, Micros at) const {
    one.lasted[static_cast<std::size_t>(one.state)] += at - std::max(one.since, begun_);
    one.since = at;
  }
  std::vector<One> users_;
  Micros begun_;
  std::uint64_t online_now_ = 0;
};

/// Conclusions of both, of which those that are in both cancel out.
class Difference {
 public:
  void note(const Header& h, std::span<const Transition> changes, int sign) {
    Presence from{}, to{};
    for (const Transition& change : changes)
      if (change.user == h.user) from = change.from, to = change.to;
    const Key key{h.at, h.user, h.kind, h.cause, from, to};
    const auto [it, fresh] = open_.emplace(key, 0);
    if (!fresh && (it->second > 0) != (sign > 0)) ++same;
    it->second += sign;
    if (it->second == 0) open_.erase(it);
  }
  [[nodiscard]] std::uint64_t left(int sign) const {
    std::uint64_t out = 0;
    for (const auto& [key, count] : open_)
      if (count * sign > 0) out += static_cast<std::uint64_t>(count * sign);
    return out;
  }
  std::uint64_t same = 0;

 private:
  using Key = std::tuple<Micros, UserNumber, Kind, Cause, Presence, Presence>;
  std::map<Key, int> open_;
};

/// Signs of life that were logged late, by the time they tell of.
struct LateTouch {
  Micros until = 0;
  Seq session = 0;
};
Result<std::vector<LateTouch>> late_touches(const Reader& reader, const WhatIf& asked) {
  std::vector<LateTouch> out;
  RC_TRY(reader.log().scan(asked.before + 1, asked.last, [&](const Header& h, store::ByteView) {
    if (h.kind != Kind::Activity || h.session == 0) return true;
    const auto fields = engine::activity_of(h);
    if (fields.touch && fields.active_until != 0 && fields.active_until < h.at)
      out.push_back({fields.active_until, h.session});
    return true;
  }));
  std::sort(out.begin(), out.end(),
            [](const LateTouch& a, const LateTouch& b) { return a.until < b.until; });
  return out;
}

/// The history that is made.
class Remade {
 public:
  Remade(engine::State state, const WhatIf& asked, Micros from, std::vector<LateTouch> touches)
      : asked_(asked),
        touches_(std::move(touches)),
        sequencer_(begin(std::move(state), asked)),
        tally_(sequencer_.state(), from, asked.without) {}

  /// `actual`: the logged history's state after the event.
  void take(const Header& h, const engine::State& actual, engine::Outcome outcome) {
    lose_node_before(h.at);
    hold_touches(h.at);
    const bool dropped =
        concluded(h) || (h.cause == Cause::Superseded && asked_.changes_sessions_max) ||
        h.kind == Kind::StateDigest ||
        (asked_.without != 0 && h.user == asked_.without && h.kind != Kind::UserEnrolled);
    if (dropped) {
      after_conclusion_ = concluded(h);
      return;
    }
    Header draft = h;
    if (h.session != 0)
      if (const auto it = sessions_.find(h.session); it != sessions_.end())
        draft.session = it->second;
    std::size_t own = 0;
    if (h.kind == Kind::NodeDown && h.cause == Cause::Restart) {
      // The last thing heard may be a conclusion: then somebody was there just after its deadline.
      const Micros heard = engine::node_change_of(h).last_heard;
      sequencer_.conclude(after_conclusion_ ? heard + 1 : heard, out_, changes_);
      own = sequencer_.append_unconcluded(draft, h.at, out_, changes_);
    } else if (h.kind == Kind::NodeUp) {
      own = sequencer_.append_unconcluded(draft, h.at, out_, changes_);
    } else if (h.kind == Kind::ClockStep) {
      // Concluded before the step, by the time that was left then.
      const Micros step = std::max<Micros>(engine::clock_of(h).step(), 0);
      sequencer_.conclude(h.at - step, out_, changes_);
      own = sequencer_.append_unconcluded(draft, h.at, out_, changes_);
    } else {
      if (h.kind == Kind::PolicySet) {
        engine::Policy policy = engine::policy_of(h).policy();
        change(policy);
        engine::write_policy(policy, draft);
      }
      own = sequencer_.append(draft, h.at, out_, changes_);
    }
    if (h.kind == Kind::Login) join(h, actual, outcome, out_[own]);
    after_conclusion_ = false;
    settle();
  }

  void end(Micros at) {
    lose_node_before(at);
    hold_touches(at);
    sequencer_.conclude(after_conclusion_ ? at + 1 : at, out_, changes_);
    settle();
    tally_.end(at);
  }
  /// What timers conclude strictly before it, as if somebody looked at the clock then.
  void look(Micros at) {
    sequencer_.conclude(at, out_, changes_);
    settle();
  }

  [[nodiscard]] const Tally& tally() const { return tally_; }
  [[nodiscard]] const engine::State& state() const { return sequencer_.state(); }
  std::function<void(const Header&, std::span<const Transition>)> on_conclusion;

 private:
  static engine::State begin(engine::State state, const WhatIf& asked) {
    asked.change(state.policy);
    if (!asked.changes_sessions_max)
      state.policy.sessions_max = std::numeric_limits<std::uint32_t>::max();
    return state;
  }
  /// Sessions that were superseded are kept so: none is by another rule.
  void change(engine::Policy& policy) const {
    asked_.change(policy);
    if (!asked_.changes_sessions_max)
      policy.sessions_max = std::numeric_limits<std::uint32_t>::max();
  }
  /// The session that a login opened or met, in either history.
  static Seq session_of(const engine::State& state, const Header& login) {
    const auto key = engine::login_of(login);
    const engine::User* user = state.find(login.user);
    if (user == nullptr) return 0;
    for (const Seq id : user->sessions) {
      const auto& s = state.sessions.at(id);
      if (s.tag_high == key.tag_high && s.tag_low == key.tag_low) return id;
    }
    return 0;
  }
  /// Whoever names the logged session later means the one that there is here.
  void join(const Header& h, const engine::State& actual, engine::Outcome outcome,
            const engine::Sequenced& own) {
    const Seq logged = outcome == engine::Outcome::Applied ? h.seq : session_of(actual, h);
    const Seq here = own.outcome == engine::Outcome::Applied ? own.header.seq
                                                             : session_of(sequencer_.state(), h);
    if (logged != 0 && here != 0) sessions_[logged] = here;
    if (here != 0) sessions_[h.seq] = here;
  }
  void lose_node_before(Micros at) {
    if (!asked_.lose_node || lost_ || at <= asked_.lose_at) return;
    lost_ = true;
    const auto open = sequencer_.state().nodes_open.find(*asked_.lose_node);
    if (open == sequencer_.state().nodes_open.end()) return;
    Header down;
    down.kind = Kind::NodeDown;
    down.cause = Cause::Crash;
    engine::write_fields(
        down, engine::NodeFields{engine::node_epoch(open->first, open->second), asked_.lose_at});
    (void)sequencer_.append(down, asked_.lose_at, out_, changes_);
  }
  void hold_touches(Micros at) {
    for (; next_touch_ < touches_.size() && touches_[next_touch_].until <= at; ++next_touch_) {
      const LateTouch& touch = touches_[next_touch_];
      const auto it = sessions_.find(touch.session);
      sequencer_.conclude(touch.until, out_, changes_);
      sequencer_.hold_touch(it == sessions_.end() ? touch.session : it->second, touch.until);
    }
  }
  /// Counts what was appended since, and forgets it.
  void settle() {
    std::size_t at = 0;
    for (const engine::Sequenced& event : out_) {
      const std::size_t begin = at;
      while (at < changes_.size() && changes_[at].seq == event.header.seq) {
        tally_.note(changes_[at], event.header.at);
        ++at;
      }
      if (concluded(event.header) && event.outcome == engine::Outcome::Applied && on_conclusion)
        on_conclusion(event.header, std::span(changes_).subspan(begin, at - begin));
    }
    out_.clear();
    changes_.clear();
  }

  const WhatIf& asked_;
  std::vector<LateTouch> touches_;
  std::size_t next_touch_ = 0;
  engine::Sequencer sequencer_;
  Tally tally_;
  std::unordered_map<Seq, Seq> sessions_;  ///< logged → here; looked up, never iterated
  std::vector<engine::Sequenced> out_;
  std::vector<Transition> changes_;
  bool after_conclusion_ = false, lost_ = false;
};

}  // namespace

Result<WhatIfReport> what_if(const Reader& reader, const WhatIf& asked,
                             const std::function<void(std::uint64_t, std::uint64_t)>& progress) {
  WhatIfReport report;
  auto fold = state_at(reader, asked.before);
  if (!fold) return fold.error();
  if (asked.last <= asked.before) {
    report.policy = fold->state.policy;
    return report;
  }
  const auto first = reader.log().header(asked.before + 1);
  if (!first) return first.error();
  if (!*first) return Error{Errc::Tampered, "the log has no record of the range's first event"};
  auto touches = late_touches(reader, asked);
  if (!touches) return touches.error();
  const Micros from = (*first)->at;
  Tally actual(fold->state, from, 0);
  Remade remade(fold->state, asked, from, std::move(*touches));
  Difference difference;
  remade.on_conclusion = [&](const Header& h, std::span<const Transition> changes) {
    difference.note(h, changes, -1);
  };
  Micros end = from;
  bool looked = !asked.at;
  const auto look = [&](Micros until) {
    if (looked || until <= *asked.at) return;
    looked = true;
    remade.look(*asked.at + 1);
    report.away_at = {actual.away(), remade.tally().away()};
  };
  constexpr Seq kPiece = 500'000;
  while (fold->state.seq < asked.last) {
    RC_TRY(fold->follow(reader.log(), std::min(asked.last, fold->state.seq + kPiece),
                        engine::Effects::only<>(), [&](const store::Fold::Step& step) {
                          const Header& h = step.header;
                          look(h.at);
                          for (const Transition& change : step.transitions)
                            actual.note(change, h.at);
                          if (concluded(h) && step.outcome == engine::Outcome::Applied)
                            difference.note(h, step.transitions, +1);
                          remade.take(h, fold->state, step.outcome);
                          end = h.at;
                        }));
    progress(fold->state.seq - asked.before, asked.last - asked.before);
  }
  if (asked.at && *asked.at <= end) look(end + 1);
  actual.end(end);
  remade.end(end);
  report.policy = remade.state().policy;
  if (!asked.changes_sessions_max) report.policy.sessions_max = fold->state.policy.sessions_max;
  for (const auto& [edge, count] : actual.edges) report.transitions[edge].actual = count;
  for (const auto& [edge, count] : remade.tally().edges) report.transitions[edge].what_if = count;
  report.peak = {actual.peak, remade.tally().peak};
  report.users.resize(std::max(actual.users(), remade.tally().users()));
  for (UserNumber n = 1; n < report.users.size(); ++n) {
    WhatIfReport::User& user = report.users[n];
    user.online = {actual.online(n), remade.tally().online(n)};
    user.away = {actual.away(n), remade.tally().away(n)};
    report.online.actual += user.online.actual;
    report.online.what_if += user.online.what_if;
    report.away.actual += user.away.actual;
    report.away.what_if += user.away.what_if;
  }
  report.same = difference.same;
  report.actual_only = difference.left(+1);
  report.what_if_only = difference.left(-1);
  return report;
}

}  // namespace rollcall::replay
