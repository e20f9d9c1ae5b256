// What an event did to the state, in the field's own terms: a session opened, its last link went,
// a member came in.
//
// Why this file exists: the reducer alone decides whether an event counts and what it changes. The
// board, `last`, webhooks and whoever else follows the log need the decision, not the header: who
// judges headers by himself judges wrong sooner or later (a duplicate, a stale epoch, a logout that
// ends several sessions). Presence itself changes by transitions, beside these.
//
// A fold that wants none passes none and pays nothing; one that wants a few names them.
#pragma once

#include "engine/event_fields.h"

#include <variant>
#include <vector>

namespace rollcall::engine {

struct UserKnown {};  ///< enrolled: the number is in use from here on
/// Forgotten. What this ends (sessions, memberships) follows, each by its own effect.
struct UserForgotten {};

struct SessionOpened {
  Seq session = 0;
};
/// Its links go with it.
struct SessionClosed {
  Seq session = 0;
};
struct Linked {
  Seq session = 0;
  std::uint64_t connection = 0, node = 0;  ///< node and epoch
  bool reattached = false;                 ///< it was detached: the grace ends
};
struct Unlinked {
  Seq session = 0;
  std::uint64_t connection = 0, node = 0;
};
/// The last link went: the grace runs.
struct Detached {
  Seq session = 0;
  Cause reason = Cause::None;
};
/// Activity that counted for a session.
struct Touched {
  Seq session = 0;
  bool woke = false;  ///< it was away
};
struct TurnedAway {
  Seq session = 0;
};
/// A sign of life of the user himself: a login, activity, his own logout. At `at`, which may be
/// before the event's time, but never later.
struct Seen {
  Micros at = 0;
};
/// The status was set or cleared; `status` is the StatusSet that holds text and emoji, 0 if
/// cleared.
struct Overridden {
  Override before = Override::None, manual = Override::None;
  bool do_not_disturb = false;
  Micros until = 0;
  Seq status = 0;
};
/// The user's first connection into a logged channel, and the last out of it.
struct MemberIn {
  std::uint64_t channel = 0;
};
struct MemberOut {
  std::uint64_t channel = 0;
};

struct Effect {
  using What =
      std::variant<UserKnown, UserForgotten, SessionOpened, SessionClosed, Linked, Unlinked,
                   Detached, Touched, TurnedAway, Seen, Overridden, MemberIn, MemberOut>;
  Seq seq = 0;  ///< of the event
  Micros at = 0;
  UserNumber user = 0;
  What what;
};

/// Where effects are gathered, in order.
class Effects {
 public:
  Effects() = default;
  /// Only those of the kinds named.
  template <class... Kinds>
  [[nodiscard]] static Effects only() {
    Effects out;
    out.want<Kinds...>();
    return out;
  }
  template <class... Kinds>
  void want() {
    wanted_ = (bit<Kinds>() | ... | 0U);
  }
  template <class... Kinds>
  void want_also() {
    wanted_ |= (bit<Kinds>() | ... | 0U);
  }
  template <class E>
  [[nodiscard]] bool wants() const {
    return (wanted_ & bit<E>()) != 0;
  }

  std::vector<Effect> list;

 private:
  template <class E, std::size_t I = 0>
  static constexpr std::uint32_t bit() {
    if constexpr (std::is_same_v<E, std::variant_alternative_t<I, Effect::What>>)
      return 1U << I;
    else
      return bit<E, I + 1>();
  }
  std::uint32_t wanted_ = ~0U;
};

/// Hands what the event at hand does to whoever wants it.
class Emit {
 public:
  Emit(Effects* to, const Header& event) : to_(to), event_(event) {}
  template <class E>
  void operator()(UserNumber user, const E& what) const {
    if (to_ != nullptr && to_->wants<E>()) to_->list.push_back({event_.seq, event_.at, user, what});
  }

 private:
  Effects* to_;
  const Header& event_;
};

/// For std::visit with one function a kind of effect.
template <class... Functions>
struct Each : Functions... {
  using Functions::operator()...;
};
template <class... Functions>
Each(Functions...) -> Each<Functions...>;
/// The last of them, for whoever follows a few kinds only.
struct Others {
  template <class E>
  void operator()(const E&) const {}
};

}  // namespace rollcall::engine
