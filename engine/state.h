// Who is present: the state that events fold into.
//
// Why this file exists: live, replay, audit and proofs must agree on who was online at T, so the
// state is plain values, changed only through apply() (engine/reducer.h), with one canonical
// encoding, over which digests are computed.
#pragma once

#include "engine/event_fields.h"

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

namespace rollcall::engine {

enum class Presence : std::uint8_t { Offline = 0, Online = 1, Away = 2 };  // stored: never renumber

[[nodiscard]] std::string_view name_of(Presence presence);

struct Link {
  std::uint64_t node = 0;  ///< node and epoch in one word: node in the high half, epoch in the low
  std::uint64_t connection = 0;
  auto operator<=>(const Link&) const = default;
};

struct Session {
  Seq id = 0;  ///< seq of its Login
  UserNumber user = 0;
  std::uint64_t tag_high = 0, tag_low = 0;  ///< HMAC of the caller's own key for it; 0,0 if none
  bool away = false;
  bool ever_linked = false;
  bool detached = false;
  Cause detached_reason = Cause::None;
  Micros opened_at = 0;
  Micros last_activity_at = 0;
  Micros idle_from =
      0;  ///< deadlines count from here: the last activity, moved by gaps and clock steps
  Micros detached_from = 0;  ///< likewise for the grace
  std::uint64_t act_rev = 0, det_rev = 0;
  std::uint64_t producer_no = 0;
  std::vector<Link> links;  ///< sorted
};

struct Attendance {
  std::uint64_t channel = 0;
  std::uint64_t node = 0;
  std::uint32_t count = 0;
  auto operator<=>(const Attendance&) const = default;
};

struct User {
  Seq last_seq = 0;
  bool enrolled = false;
  bool erased = false;
  Override manual = Override::None;
  bool do_not_disturb = false;
  Seq status_seq = 0;
  std::uint64_t override_rev = 0;
  Micros until = 0;  ///< when the status clears itself; 0 never
  Presence derived = Presence::Offline, state = Presence::Offline, visible = Presence::Offline;
  Micros since = 0;
  Micros last_seen = 0;
  std::vector<Seq> sessions;           ///< open ones, ascending
  std::vector<Attendance> attendance;  ///< sorted
};

struct State {
  Seq seq = 0;
  Micros at = 0;
  Policy policy;
  std::int64_t clock_offset = 0;
  std::vector<User> users = std::vector<User>(1);  ///< by number; [0] is the app itself
  std::unordered_map<Seq, Session> sessions;       ///< looked up, never iterated in its own order
  std::map<std::uint32_t, std::uint64_t> nodes_open;    ///< node → newest epoch seen up
  std::map<std::uint32_t, std::uint64_t> nodes_closed;  ///< node → newest epoch closed
  std::vector<std::uint8_t> dirty_pages;  ///< a mark per page of 64 users, set by apply()

  [[nodiscard]] const User* find(UserNumber number) const {
    return number < users.size() ? &users[number] : nullptr;
  }
};

inline constexpr std::uint32_t kUsersPerPage = 64;

/// The canonical bytes of one page (users page*64 … page*64+63), appended to `out`; equal states
/// give equal bytes whatever the order in which tables were filled. Little-endian, no padding.
void write_page(const State& state, std::uint32_t page, std::vector<std::uint8_t>& out);
[[nodiscard]] std::uint32_t page_count(const State& state);
/// The inverse: adds page `page`, as write_page() wrote it, to `state`, which has all pages before
/// it. Total: returns false for any other bytes, and then `state` must not be used.
[[nodiscard]] bool read_page(State& state, std::uint32_t page, std::span<const std::uint8_t> bytes);
/// One user's record, as write_page() writes it.
void write_user(const State& state, UserNumber number, std::vector<std::uint8_t>& out);
/// Where in page `page` the record of `number` lies: {offset, length}; nothing if the bytes are
/// not such a page. Total: accepts any bytes.
[[nodiscard]] std::optional<std::pair<std::size_t, std::size_t>> find_user_record(
    std::span<const std::uint8_t> bytes, std::uint32_t page, UserNumber number);

/// The session for an activity that names none: the most recently active one, or 0.
[[nodiscard]] Seq activity_session(const State& state, UserNumber user);

}  // namespace rollcall::engine
