// What an event did to the state, in the field's own terms: a session opened, its last link was
// lost, a member joined.
//
// Why this file exists: only the reducer decides whether an event counts and what it changes. The
// board, `last`, webhooks and everything else that follows the log need that decision, not the
// header. Code that judges headers by itself gets some of them wrong: a duplicate, a stale epoch, a
// logout that ends several sessions. Presence itself changes by transitions, which are separate.
//
// A fold that needs no effects passes no Effects and pays nothing; one that needs a few names them.
#pragma once

#include "engine/event_fields.h"

#include <variant>
#include <vector>

namespace rollcall::engine {

struct UserKnown {};  ///< enrolled: the number is in use from here on
/// Erased. The sessions and memberships that this ends follow as effects of their own.
struct UserForgotten {};

struct SessionOpened {
  Seq session = 0;
};
/// Its links end with it, without effects of their own.
struct SessionClosed {
  Seq session = 0;
};
struct Linked {
  Seq session = 0;
  std::uint64_t connection = 0, node = 0;  ///< node and epoch
  bool reattached = false;                 ///< it was detached: its grace ends
};
struct Unlinked {
  Seq session = 0;
  std::uint64_t connection = 0, node = 0;
};
/// Its last link was lost: the grace begins.
struct Detached {
  Seq session = 0;
  Cause reason = Cause::None;
};
/// Activity that counted for a session.
struct Touched {
  Seq session = 0;
  bool woke = false;  ///< it was away before
};
struct TurnedAway {
  Seq session = 0;
};
/// A sign of life of the user: a login, activity, or the user's own logout. `at` is never later
/// than the event's own time; a touch that is logged late happened earlier.
struct Seen {
  Micros at = 0;
};
/// The status was set or cleared. `status` is the seq of the StatusSet, 0 if cleared.
struct Overridden {
  Override before = Override::None, manual = Override::None;
  bool do_not_disturb = false;
  Micros until = 0;
  Seq status = 0;
};
/// The user's first connection joined a logged channel; the last one left it.
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

/// Collects effects, in order.
class Effects {
 public:
  Effects() = default;
  /// Collects only the named ones.
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

/// Reports the effects of one event, if somebody wants them.
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

/// For std::visit, with one function for each kind of effect.
template <class... Functions>
struct Each : Functions... {
  using Functions::operator()...;
};
template <class... Functions>
Each(Functions...) -> Each<Functions...>;

}  // namespace rollcall::engine
