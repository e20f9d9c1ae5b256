// The canonical bytes of a state.
#include "engine/state.h"

#include <algorithm>

namespace rollcall::engine {
namespace {

template <class T>
void put(std::vector<std::uint8_t>& out, T value) {
  auto bits = static_cast<std::uint64_t>(value);
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    out.push_back(static_cast<std::uint8_t>(bits & 0xFF));
    bits >>= 8;
  }
}

void put_session(std::vector<std::uint8_t>& out, const Session& s) {
  put(out, s.id);
  put(out, s.tag_high);
  put(out, s.tag_low);
  put(out,
      static_cast<std::uint8_t>((s.away ? 1 : 0) | (s.ever_linked ? 2 : 0) | (s.detached ? 4 : 0)));
  put(out, static_cast<std::uint8_t>(s.detached_reason));
  put(out, s.opened_at);
  put(out, s.last_activity_at);
  put(out, s.idle_from);
  put(out, s.detached_from);
  put(out, s.act_rev);
  put(out, s.det_rev);
  put(out, s.producer_no);
  put(out, static_cast<std::uint32_t>(s.links.size()));
  for (const Link& link : s.links) {
    put(out, link.node);
    put(out, link.connection);
  }
}

void put_user(std::vector<std::uint8_t>& out, const State& state, UserNumber number) {
  const User& u = state.users[number];
  put(out, number);
  put(out, u.last_seq);
  put(out, static_cast<std::uint8_t>((u.enrolled ? 1 : 0) | (u.erased ? 2 : 0) |
                                     (u.do_not_disturb ? 4 : 0)));
  put(out, static_cast<std::uint8_t>(u.manual));
  put(out, u.status_seq);
  put(out, u.override_rev);
  put(out, u.until);
  put(out, static_cast<std::uint8_t>(u.derived));
  put(out, static_cast<std::uint8_t>(u.state));
  put(out, static_cast<std::uint8_t>(u.visible));
  put(out, u.since);
  put(out, u.last_seen);
  put(out, static_cast<std::uint32_t>(u.sessions.size()));
  for (const Seq id : u.sessions) put_session(out, state.sessions.at(id));
  put(out, static_cast<std::uint32_t>(u.attendance.size()));
  for (const Attendance& a : u.attendance) {
    put(out, a.channel);
    put(out, a.node);
    put(out, a.count);
  }
}

void put_app(std::vector<std::uint8_t>& out, const State& state) {
  const Policy& p = state.policy;
  put(out, p.idle_after_ms);
  put(out, p.ttl_s);
  put(out, p.grace_clean_s);
  put(out, p.grace_abort_s);
  put(out, p.grace_node_s);
  put(out, p.grace_drain_s);
  put(out, p.sessions_max);
  put(out, state.clock_offset);
  for (const auto* nodes : {&state.nodes_open, &state.nodes_closed}) {
    put(out, static_cast<std::uint32_t>(nodes->size()));
    for (const auto& [node, epoch] : *nodes) {
      put(out, node);
      put(out, epoch);
    }
  }
}

}  // namespace

std::string_view name_of(Presence presence) {
  switch (presence) {
    case Presence::Offline:
      return "offline";
    case Presence::Online:
      return "online";
    case Presence::Away:
      return "away";
  }
  return "unknown";
}

std::uint32_t page_count(const State& state) {
  return static_cast<std::uint32_t>((state.users.size() + kUsersPerPage - 1) / kUsersPerPage);
}

void write_page(const State& state, std::uint32_t page, std::vector<std::uint8_t>& out) {
  const std::size_t first = static_cast<std::size_t>(page) * kUsersPerPage;
  if (page == 0) put_app(out, state);
  for (std::size_t i = first; i < first + kUsersPerPage && i < state.users.size(); ++i) {
    put_user(out, state, static_cast<UserNumber>(i));
  }
}

void write_user(const State& state, UserNumber number, std::vector<std::uint8_t>& out) {
  put_user(out, state, number);
}

namespace {

/// Walks canonical bytes; every step is checked, so damaged bytes end the walk.
class Walker {
 public:
  explicit Walker(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}
  bool skip(std::size_t n) {
    if (bytes_.size() - at_ < n) return false;
    at_ += n;
    return true;
  }
  std::optional<std::uint32_t> u32() {
    std::uint32_t value = 0;
    if (!take(value)) return std::nullopt;
    return value;
  }
  /// Whole numbers and enumerations, as put() wrote them.
  template <class T, class... More>
  bool take(T& into, More&... more) {
    if (bytes_.size() - at_ < sizeof(T)) return false;
    std::uint64_t bits = 0;
    for (std::size_t i = 0; i < sizeof(T); ++i)
      bits |= static_cast<std::uint64_t>(bytes_[at_ + i]) << (8 * i);
    at_ += sizeof(T);
    into = static_cast<T>(bits);
    if constexpr (sizeof...(more) == 0)
      return true;
    else
      return take(more...);
  }
  /// A list's length, where so many elements of at least `element` bytes can follow.
  bool take_count(std::uint32_t& n, std::size_t element) {
    return take(n) && n <= (bytes_.size() - at_) / element;
  }
  bool skip_list(std::size_t element) {
    const auto n = u32();
    return n && *n <= (bytes_.size() - at_) / element && skip(*n * element);
  }
  bool skip_sessions() {
    constexpr std::size_t kFixed = 3 * 8 + 2 + 7 * 8;
    const auto n = u32();
    if (!n) return false;
    for (std::uint32_t i = 0; i < *n; ++i) {
      if (!skip(kFixed) || !skip_list(16)) return false;
    }
    return true;
  }
  [[nodiscard]] std::size_t at() const { return at_; }
  [[nodiscard]] bool done() const { return at_ == bytes_.size(); }

 private:
  std::span<const std::uint8_t> bytes_;
  std::size_t at_ = 0;
};

}  // namespace

std::optional<std::pair<std::size_t, std::size_t>> find_user_record(
    std::span<const std::uint8_t> bytes, std::uint32_t page, UserNumber number) {
  constexpr std::size_t kPolicy = 4 + 4 + 4 * 2 + 4 + 8;
  constexpr std::size_t kUserFixed = 8 + 1 + 1 + 8 + 8 + 8 + 3 + 8 + 8;
  Walker walk(bytes);
  if (page == 0 && (!walk.skip(kPolicy) || !walk.skip_list(12) || !walk.skip_list(12)))
    return std::nullopt;
  std::uint64_t expected = static_cast<std::uint64_t>(page) * kUsersPerPage;
  std::optional<std::pair<std::size_t, std::size_t>> found;
  while (!walk.done()) {
    const std::size_t start = walk.at();
    const auto n = walk.u32();
    if (!n || *n != expected++ || !walk.skip(kUserFixed) || !walk.skip_sessions() ||
        !walk.skip_list(20))
      return std::nullopt;
    if (*n == number) found = {start, walk.at() - start};
  }
  return found;
}

namespace {

template <class T>
bool ascending(const std::vector<T>& list) {
  return std::adjacent_find(list.begin(), list.end(),
                            [](const T& a, const T& b) { return !(a < b); }) == list.end();
}

bool read_session(Walker& walk, UserNumber user, Session& s) {
  std::uint8_t marks = 0;
  std::uint32_t links = 0;
  if (!walk.take(s.id, s.tag_high, s.tag_low, marks, s.detached_reason, s.opened_at,
                 s.last_activity_at, s.idle_from, s.detached_from, s.act_rev, s.det_rev,
                 s.producer_no) ||
      marks > 7 || !walk.take_count(links, 16))
    return false;
  s.user = user;
  s.away = (marks & 1) != 0;
  s.ever_linked = (marks & 2) != 0;
  s.detached = (marks & 4) != 0;
  s.links.resize(links);
  for (Link& link : s.links)
    if (!walk.take(link.node, link.connection)) return false;
  return ascending(s.links);
}

bool read_user(Walker& walk, State& state, UserNumber number) {
  User u;
  UserNumber written = 0;
  std::uint8_t marks = 0;
  std::uint32_t sessions = 0, attendance = 0;
  if (!walk.take(written, u.last_seq, marks, u.manual, u.status_seq, u.override_rev, u.until,
                 u.derived, u.state, u.visible, u.since, u.last_seen) ||
      written != number || marks > 7 || u.manual > Override::Invisible ||
      std::max({u.derived, u.state, u.visible}) > Presence::Away ||
      !walk.take_count(sessions, 3 * 8 + 2 + 7 * 8 + 4))
    return false;
  u.enrolled = (marks & 1) != 0;
  u.erased = (marks & 2) != 0;
  u.do_not_disturb = (marks & 4) != 0;
  for (std::uint32_t i = 0; i < sessions; ++i) {
    Session s;
    if (!read_session(walk, number, s)) return false;
    u.sessions.push_back(s.id);
    if (!state.sessions.emplace(s.id, std::move(s)).second) return false;
  }
  if (!walk.take_count(attendance, 20)) return false;
  u.attendance.resize(attendance);
  for (Attendance& a : u.attendance)
    if (!walk.take(a.channel, a.node, a.count)) return false;
  if (!ascending(u.sessions) || !ascending(u.attendance)) return false;
  if (number >= state.users.size())
    state.users.push_back(std::move(u));
  else
    state.users[number] = std::move(u);
  return true;
}

bool read_app(Walker& walk, State& state) {
  Policy& p = state.policy;
  if (!walk.take(p.idle_after_ms, p.ttl_s, p.grace_clean_s, p.grace_abort_s, p.grace_node_s,
                 p.grace_drain_s, p.sessions_max, state.clock_offset))
    return false;
  for (auto* nodes : {&state.nodes_open, &state.nodes_closed}) {
    std::uint32_t n = 0;
    if (!walk.take_count(n, 12)) return false;
    for (std::uint32_t i = 0; i < n; ++i) {
      std::uint32_t node = 0;
      std::uint64_t epoch = 0;
      if (!walk.take(node, epoch)) return false;
      if (!nodes->empty() && nodes->rbegin()->first >= node) return false;
      nodes->emplace_hint(nodes->end(), node, epoch);
    }
  }
  return true;
}

}  // namespace

bool read_page(State& state, std::uint32_t page, std::span<const std::uint8_t> bytes) {
  Walker walk(bytes);
  if (page == 0 && !read_app(walk, state)) return false;
  const std::uint64_t first = std::uint64_t{page} * kUsersPerPage;
  std::uint64_t number = first;
  for (; !walk.done(); ++number) {
    if (number >= first + kUsersPerPage) return false;
    if (!read_user(walk, state, static_cast<UserNumber>(number))) return false;
  }
  return number > first;
}

Seq activity_session(const State& state, UserNumber number) {
  const User* user = state.find(number);
  if (user == nullptr || user->sessions.empty()) return 0;
  Seq best = user->sessions.front();
  for (const Seq id : user->sessions) {
    if (state.sessions.at(id).last_activity_at >= state.sessions.at(best).last_activity_at)
      best = id;
  }
  return best;
}

}  // namespace rollcall::engine
