// What a header's four free fields a, b, c and d mean, kind by kind: a typed view of each.
//
// Why this file exists: the same 64 bits are a connection in one kind and a time in another. Code
// that reads `h.b` of the wrong kind compiles, so only this file reads and writes the fields by
// their letters; a test refuses it elsewhere. The table for readers is in docs/log-format.md;
// another test compares the two.
//
// A view is total: any bits give a value. The caller checks that the header is of that kind.
#pragma once

#include "engine/event.h"

#include <type_traits>

namespace rollcall::engine {

/// Time limits. Logged as PolicySet, so that a replay knows which ones were in force.
struct Policy {
  std::uint32_t idle_after_ms = 300'000;
  std::uint32_t ttl_s = 7'200;  ///< of a session that never had a link; 0: it has no end of itself
  std::uint16_t grace_clean_s = 5;
  std::uint16_t grace_abort_s = 15;  ///< abort and timeout
  std::uint16_t grace_node_s = 30;   ///< after its node was lost
  std::uint16_t grace_drain_s = 60;
  std::uint32_t sessions_max = 10;  ///< per user
  bool operator==(const Policy&) const = default;
};

/// Node and epoch in one word: the node in the high half, the epoch of its process in the low.
[[nodiscard]] constexpr std::uint32_t node_of(std::uint64_t node_epoch) {
  return static_cast<std::uint32_t>(node_epoch >> 32);
}
[[nodiscard]] constexpr std::uint32_t epoch_of(std::uint64_t node_epoch) {
  return static_cast<std::uint32_t>(node_epoch);
}
[[nodiscard]] constexpr std::uint64_t node_epoch(std::uint32_t node, std::uint64_t epoch) {
  return (std::uint64_t{node} << 32) | epoch;
}

// Each view names its fields once, in each(). Reading, writing and the table all use it.

/// A kind without fields of its own.
struct NoFields {
  template <class Self, class Field>
  static constexpr void each(Self&, const Field&) {}
};

/// Login. The tag is an HMAC of the caller's own key for the session; 0, 0 where it gave none.
struct LoginFields {
  std::uint64_t tag_high = 0, tag_low = 0;
  template <class Self, class Field>
  static constexpr void each(Self& self, const Field& field) {
    field('a', "tag_high", self.tag_high);
    field('b', "tag_low", self.tag_low);
  }
  [[nodiscard]] constexpr bool has_key() const { return tag_high != 0 || tag_low != 0; }
};

/// Logout. If a timer concluded it: the session's det_rev (grace) or act_rev (ttl) that it saw.
struct LogoutFields {
  std::uint64_t basis = 0;
  template <class Self, class Field>
  static constexpr void each(Self& self, const Field& field) {
    field('a', "basis", self.basis);
  }
};

/// Activity. `touch` and `target_is_user` are bits of the flags, which a writer sets by their
/// names.
struct ActivityFields {
  std::uint64_t target = 0;       ///< a tag, or a user's number; 0 none
  std::uint64_t producer_no = 0;  ///< ascending within a session; 0 if the producer has none
  std::uint64_t action = 0;       ///< its number in the log; 0: in the body, or a touch
  Micros active_until = 0;        ///< of a touch logged late; 0: the event's own time
  bool touch = false;
  bool target_is_user = false;
  template <class Self, class Field>
  static constexpr void each(Self& self, const Field& field) {
    field('a', "target", self.target);
    field('b', "producer_no", self.producer_no);
    field('c', "action", self.action);
    field('d', "active_until", self.active_until);
  }
  /// When the user was active: `at` is the event's own time.
  [[nodiscard]] constexpr Micros active_at(Micros at) const {
    return active_until > 0 && active_until < at ? active_until : at;
  }
  /// The user whom it was about, if it was about a user.
  [[nodiscard]] constexpr std::optional<UserNumber> target_user() const {
    const auto number = static_cast<UserNumber>(target);
    return target_is_user && number != 0 ? std::optional(number) : std::nullopt;
  }
};

/// Inactivity. By a timer: the act_rev it saw. By a client's hint: its producer number.
struct IdleFields {
  std::uint64_t basis = 0;
  Micros idle_since = 0;
  std::uint64_t producer_no = 0;
  template <class Self, class Field>
  static constexpr void each(Self& self, const Field& field) {
    field('a', "basis", self.basis);
    field('b', "idle_since", self.idle_since);
    field('c', "producer_no", self.producer_no);
  }
};

/// LinkUp, LinkDown.
struct LinkFields {
  std::uint64_t connection = 0;
  std::uint64_t node = 0;  ///< node and epoch
  template <class Self, class Field>
  static constexpr void each(Self& self, const Field& field) {
    field('a', "connection", self.connection);
    field('b', "node", self.node);
  }
};

/// NodeUp, NodeDown.
struct NodeFields {
  std::uint64_t node = 0;  ///< node and epoch
  Micros last_heard = 0;   ///< when the last event before was logged; 0 if nothing was missed
  template <class Self, class Field>
  static constexpr void each(Self& self, const Field& field) {
    field('a', "node", self.node);
    field('b', "last_heard", self.last_heard);
  }
};

/// StatusSet. `manual` and `do_not_disturb` are bits of the flags, which a writer sets by their
/// names.
struct StatusFields {
  Micros until = 0;  ///< when it clears itself; 0 never
  Override manual = Override::None;
  bool do_not_disturb = false;
  template <class Self, class Field>
  static constexpr void each(Self& self, const Field& field) {
    field('a', "until", self.until);
  }
};

/// StatusCleared. By expiry: the override_rev it saw.
struct ClearedFields {
  std::uint64_t basis = 0;
  template <class Self, class Field>
  static constexpr void each(Self& self, const Field& field) {
    field('b', "basis", self.basis);
  }
};

/// Joined, Left.
struct MemberFields {
  std::uint64_t channel = 0;  ///< its number in the log
  std::uint64_t node = 0;     ///< node and epoch
  template <class Self, class Field>
  static constexpr void each(Self& self, const Field& field) {
    field('a', "channel", self.channel);
    field('b', "node", self.node);
  }
};

/// PolicySet. Several settings share a word, the first in the lowest bits.
struct PolicyFields {
  std::uint64_t idle_and_ttl = 0;  ///< idle_after ms (32 bits), ttl s (32)
  std::uint64_t graces = 0;        ///< clean, abort, node, drain, s (16 each)
  std::uint64_t sessions_max = 0;
  bool reads_need_reason = false;
  PolicyFields() = default;
  constexpr explicit PolicyFields(const Policy& p)
      : idle_and_ttl(p.idle_after_ms | (std::uint64_t{p.ttl_s} << 32)),
        graces(p.grace_clean_s | (std::uint64_t{p.grace_abort_s} << 16) |
               (std::uint64_t{p.grace_node_s} << 32) | (std::uint64_t{p.grace_drain_s} << 48)),
        sessions_max(p.sessions_max) {}
  [[nodiscard]] constexpr Policy policy() const {
    return {
        static_cast<std::uint32_t>(idle_and_ttl), static_cast<std::uint32_t>(idle_and_ttl >> 32),
        static_cast<std::uint16_t>(graces),       static_cast<std::uint16_t>(graces >> 16),
        static_cast<std::uint16_t>(graces >> 32), static_cast<std::uint16_t>(graces >> 48),
        static_cast<std::uint32_t>(sessions_max)};
  }
  template <class Self, class Field>
  static constexpr void each(Self& self, const Field& field) {
    field('a', "idle_and_ttl", self.idle_and_ttl);
    field('b', "graces", self.graces);
    field('c', "sessions_max", self.sessions_max);
    field('d', "reads_need_reason", self.reads_need_reason);
  }
};

/// ActionNamed, ChannelNamed: the number that stands for the name from here on.
struct NameFields {
  std::uint64_t number = 0;
  template <class Self, class Field>
  static constexpr void each(Self& self, const Field& field) {
    field('a', "number", self.number);
  }
};

/// StateDigest. The root is in the digest.
struct DigestFields {
  Seq covers = 0;  ///< the seq whose state it is
  std::uint64_t reducer = 0;
  template <class Self, class Field>
  static constexpr void each(Self& self, const Field& field) {
    field('a', "covers", self.covers);
    field('b', "reducer", self.reducer);
  }
};

/// ClockStep: how far the wall clock was ahead of the log's first, in µs, before and after.
struct ClockFields {
  Micros before = 0, after = 0;
  template <class Self, class Field>
  static constexpr void each(Self& self, const Field& field) {
    field('a', "before", self.before);
    field('b', "after", self.after);
  }
  /// Wraps, as the bits do: a header may hold any.
  [[nodiscard]] constexpr Micros step() const {
    return static_cast<Micros>(static_cast<std::uint64_t>(after) -
                               static_cast<std::uint64_t>(before));
  }
};

/// EraseRequested.
struct EraseFields {
  UserNumber subject = 0;
  std::uint64_t events = 0;  ///< that the plan found
  bool with_mentions = false;
  template <class Self, class Field>
  static constexpr void each(Self& self, const Field& field) {
    field('a', "subject", self.subject);
    field('b', "events", self.events);
    field('c', "with_mentions", self.with_mentions);
  }
};

/// UserErased.
struct ErasedFields {
  std::uint64_t events = 0;
  Seq request = 0;  ///< of the EraseRequested
  template <class Self, class Field>
  static constexpr void each(Self& self, const Field& field) {
    field('a', "events", self.events);
    field('b', "request", self.request);
  }
};

/// HoldSet, HoldReleased, HistoryRead: whom it is about; 0 if a read is not about one person.
struct SubjectFields {
  UserNumber subject = 0;
  template <class Self, class Field>
  static constexpr void each(Self& self, const Field& field) {
    field('a', "subject", self.subject);
  }
};

/// RetentionApplied has three forms. Stored: never renumber.
enum class Retention : std::uint64_t {
  Applied = 0,  ///< bodies of the kind, older than keep_s, were dropped up to the seq
  Rule = 1,     ///< from now on bodies of the kind are kept so long; 0 s: for ever
  One = 2,      ///< the body of that one event was dropped
};
struct RetentionFields {
  Kind of_kind = Kind::None;
  std::uint64_t keep_s = 0;
  Retention form = Retention::Applied;
  Seq event = 0;  ///< Applied: the last; One: which
  template <class Self, class Field>
  static constexpr void each(Self& self, const Field& field) {
    field('a', "of_kind", self.of_kind);
    field('b', "keep_s", self.keep_s);
    field('c', "form", self.form);
    field('d', "event", self.event);
  }
};

/// ImportBegan: the SHA-256 of the file, big-endian words.
struct ImportFields {
  std::array<std::uint64_t, 4> sha256{};
  template <class Self, class Field>
  static constexpr void each(Self& self, const Field& field) {
    field('a', "sha256_0", self.sha256[0]);
    field('b', "sha256_1", self.sha256[1]);
    field('c', "sha256_2", self.sha256[2]);
    field('d', "sha256_3", self.sha256[3]);
  }
};

/// ImportEnded.
struct ImportedFields {
  std::uint64_t lines = 0;
  template <class Self, class Field>
  static constexpr void each(Self& self, const Field& field) {
    field('a', "lines", self.lines);
  }
};

/// LogContinued. The former origin and root are in the body.
struct ContinuedFields {
  std::uint64_t former_size = 0;
  template <class Self, class Field>
  static constexpr void each(Self& self, const Field& field) {
    field('a', "former_size", self.former_size);
  }
};

namespace fields_detail {

template <class Record>
[[nodiscard]] constexpr auto& slot(Record& record, char letter) {
  switch (letter) {
    case 'a':
      return record.a;
    case 'b':
      return record.b;
    case 'c':
      return record.c;
    default:
      return record.d;
  }
}

template <class View>
[[nodiscard]] constexpr View view(const Header& header) {
  View out;
  View::each(out, [&](char letter, std::string_view, auto& member) {
    using Member = std::remove_reference_t<decltype(member)>;
    if constexpr (std::is_same_v<Member, bool>)
      member = slot(header, letter) != 0;
    else
      member = static_cast<Member>(slot(header, letter));
  });
  return out;
}

}  // namespace fields_detail

/// Writes the view's fields into a header or a proposal of one. Other fields stay as they are.
template <class Record, class View>
constexpr void write_fields(Record& record, const View& view) {
  View::each(view, [&](char letter, std::string_view, const auto& member) {
    fields_detail::slot(record, letter) = static_cast<std::uint64_t>(member);
  });
}
/// Copies all four, whatever they mean.
template <class From, class To>
constexpr void copy_fields(const From& from, To& to) {
  to.a = from.a;
  to.b = from.b;
  to.c = from.c;
  to.d = from.d;
}

[[nodiscard]] constexpr LoginFields login_of(const Header& h) {
  return fields_detail::view<LoginFields>(h);
}
[[nodiscard]] constexpr LogoutFields logout_of(const Header& h) {
  return fields_detail::view<LogoutFields>(h);
}
[[nodiscard]] constexpr ActivityFields activity_of(const Header& h) {
  auto out = fields_detail::view<ActivityFields>(h);
  out.touch = (h.flags & flag::kTouch) != 0;
  out.target_is_user = (h.flags & flag::kTargetIsUser) != 0;
  return out;
}
[[nodiscard]] constexpr IdleFields idle_of(const Header& h) {
  return fields_detail::view<IdleFields>(h);
}
[[nodiscard]] constexpr LinkFields link_of(const Header& h) {
  return fields_detail::view<LinkFields>(h);
}
[[nodiscard]] constexpr NodeFields node_change_of(const Header& h) {
  return fields_detail::view<NodeFields>(h);
}
[[nodiscard]] constexpr StatusFields status_of(const Header& h) {
  auto out = fields_detail::view<StatusFields>(h);
  const auto manual = h.flags & flag::kOverrideMask;
  out.manual = manual > 2 ? Override::None : static_cast<Override>(manual);
  out.do_not_disturb = (h.flags & flag::kDoNotDisturb) != 0;
  return out;
}
[[nodiscard]] constexpr ClearedFields cleared_of(const Header& h) {
  return fields_detail::view<ClearedFields>(h);
}
[[nodiscard]] constexpr MemberFields member_of(const Header& h) {
  return fields_detail::view<MemberFields>(h);
}
[[nodiscard]] constexpr PolicyFields policy_of(const Header& h) {
  return fields_detail::view<PolicyFields>(h);
}
[[nodiscard]] constexpr NameFields name_fields_of(const Header& h) {
  return fields_detail::view<NameFields>(h);
}
[[nodiscard]] constexpr DigestFields digest_of(const Header& h) {
  return fields_detail::view<DigestFields>(h);
}
[[nodiscard]] constexpr ClockFields clock_of(const Header& h) {
  return fields_detail::view<ClockFields>(h);
}
[[nodiscard]] constexpr EraseFields erase_request_of(const Header& h) {
  return fields_detail::view<EraseFields>(h);
}
[[nodiscard]] constexpr ErasedFields erased_of(const Header& h) {
  return fields_detail::view<ErasedFields>(h);
}
[[nodiscard]] constexpr SubjectFields subject_fields_of(const Header& h) {
  return fields_detail::view<SubjectFields>(h);
}
[[nodiscard]] constexpr RetentionFields retention_of(const Header& h) {
  return fields_detail::view<RetentionFields>(h);
}
[[nodiscard]] constexpr ImportFields import_of(const Header& h) {
  return fields_detail::view<ImportFields>(h);
}
[[nodiscard]] constexpr ImportedFields imported_of(const Header& h) {
  return fields_detail::view<ImportedFields>(h);
}
[[nodiscard]] constexpr ContinuedFields continued_of(const Header& h) {
  return fields_detail::view<ContinuedFields>(h);
}

/// The policy alone; reads need no reason then.
inline void write_policy(const Policy& policy, Header& header) {
  write_fields(header, PolicyFields(policy));
}

}  // namespace rollcall::engine
