// The event vocabulary: what a log can say, as plain values.
//
// Why this file exists: the live server, the store, replay, audit and the wire must name the same
// facts in the same way. A header is everything the reducer may know; whatever is personal or long
// is in the body, which is sealed separately and may have been dropped.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace rollcall::engine {

using Seq = std::uint64_t;  ///< position in the log; the first event is 1, 0 is "before everything"
using Micros = std::int64_t;       ///< microseconds since the Unix epoch, UTC
using UserNumber = std::uint32_t;  ///< assigned at enrolment; 0 is the app itself

/// a + b, clamped to the type's range: a header's fields may hold any bits.
[[nodiscard]] constexpr Micros saturating_add(Micros a, Micros b) {
  constexpr Micros kMost = 0x7FFFFFFFFFFFFFFF;
  if (b > 0 && a > kMost - b) return kMost;
  if (b < 0 && a < -kMost - 1 - b) return -kMost - 1;
  return a + b;
}

/// Stored: never renumber. 0 is never written, so an all-zero record reads as corrupt.
enum class Kind : std::uint8_t {
  None = 0,
  UserEnrolled = 1,
  Login = 2,
  Logout = 3,
  Activity = 4,
  Inactivity = 5,
  LinkUp = 6,
  LinkDown = 7,
  NodeUp = 8,
  NodeDown = 9,
  StatusSet = 10,
  StatusCleared = 11,
  Joined = 12,
  Left = 13,
  PolicySet = 14,
  ActionNamed = 15,
  ChannelNamed = 16,
  StateDigest = 17,
  AliveMark = 18,
  ClockStep = 19,
  EraseRequested = 20,
  UserErased = 21,
  HoldSet = 22,
  HoldReleased = 23,
  HistoryRead = 24,
  RetentionApplied = 25,
  ImportBegan = 26,
  ImportEnded = 27,
  LogContinued = 28,
};
inline constexpr std::uint8_t kKindCount = 29;

/// Why something happened. Stored: never renumber.
enum class Cause : std::uint8_t {
  None = 0,
  Login = 1,
  Connect = 2,
  Resync = 3,
  Logout = 4,
  Revoked = 5,
  Superseded = 6,
  GraceExpired = 7,
  TtlExpired = 8,
  Erased = 9,
  IdleTimeout = 10,
  ClientHint = 11,
  Clean = 12,
  Abort = 13,
  Timeout = 14,
  Drain = 15,
  Crash = 16,
  Restart = 17,
  User = 18,
  Expired = 19,
  Admin = 20,
};
inline constexpr std::uint8_t kCauseCount = 21;

/// What a user says of himself over what his sessions say. Stored: never renumber.
enum class Override : std::uint8_t { None = 0, Away = 1, Invisible = 2 };

/// Bits of Header::flags. Stored: never renumber.
namespace flag {
inline constexpr std::uint16_t kOverrideMask = 0x0003;  ///< StatusSet: 0 none, 1 away, 2 invisible
inline constexpr std::uint16_t kDoNotDisturb = 0x0004;  ///< StatusSet
inline constexpr std::uint16_t kTargetIsUser =
    0x0008;                                          ///< Activity: a is a user's number, not a tag
inline constexpr std::uint16_t kTouch = 0x0010;      ///< Activity without an action
inline constexpr std::uint16_t kCoarsened = 0x0020;  ///< reserved for later versions
inline constexpr std::uint16_t kDictionaryShift =
    12;  ///< top four bits: version of the body dictionary
}  // namespace flag

/// The 112 bytes that are stored, hashed and reduced. Little-endian on disk; the order of the
/// fields is the order of store/log/event.capnp, and a test holds the two together.
struct Header {
  Kind kind = Kind::None;
  Cause cause = Cause::None;
  std::uint16_t flags = 0;
  UserNumber user = 0;
  Seq seq = 0;
  Micros at = 0;               ///< never decreases along the log
  std::uint64_t session = 0;   ///< seq of the Login that opened it; 0 if none is meant
  Seq prev = 0;                ///< the same user's previous event; 0 for the first
  std::uint32_t epoch = 0;     ///< key epoch of the body
  std::uint32_t body_len = 0;  ///< bytes of the plain body; 0 if there is none
  std::uint64_t a = 0, b = 0, c = 0, d = 0;  ///< the kind's own: engine/event_fields.h
  std::array<std::uint8_t, 32> digest{};     ///< commits to the plain body; StateDigest: the root
  bool operator==(const Header&) const = default;
};
static_assert(sizeof(Header) == 112, "a header is 112 bytes without padding");

/// Personal and long fields. Every text is UTF-8 as given; empty means absent.
struct Body {
  std::string name;    ///< UserEnrolled, ActionNamed, ChannelNamed: the name
  std::string action;  ///< Activity whose action is not interned
  std::string description;
  std::string log_name;  ///< the activity log an entry belongs to, as in laravel-activitylog
  std::string target_type;
  std::string target_id;
  std::string properties;  ///< JSON object
  std::string changes;     ///< JSON object: {"attributes":{…},"old":{…}}
  std::string address;
  std::string agent;
  std::string device;
  std::string request_id;
  std::string batch;         ///< groups the events of one request
  std::string external_key;  ///< the caller's own name for the session
  std::string status_text;
  std::string emoji;
  std::string reason;
  std::string ticket;
  std::string detail;      ///< details of an operator's event (JSON object)
  Micros occurred_at = 0;  ///< as the client claimed; no rule reads it
  bool operator==(const Body&) const = default;
  [[nodiscard]] bool empty() const { return *this == Body{}; }
};

/// Names used on the wire, in the CLI and in documents: lower case with underscores.
[[nodiscard]] std::string_view name_of(Kind kind);
[[nodiscard]] std::string_view name_of(Cause cause);
[[nodiscard]] std::optional<Kind> kind_of(std::string_view name);

}  // namespace rollcall::engine
