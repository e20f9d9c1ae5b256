// The state after an event, person by person.
#include "replay/question/presence.h"

#include "replay/attendance.h"
#include "store/bytes/crypto.h"

#include <algorithm>
#include <set>

namespace rollcall::replay::inline question {
namespace {

using engine::Presence;

struct Place {
  Seq seq = 0;
  std::optional<Micros> at;  ///< none for seq:N
};

Result<Place> place_of(const Desk& desk, const std::optional<std::string>& at) {
  const std::string text = at.value_or("now");
  const auto seq = last_before(*desk.reader, text, desk.now);
  if (!seq) return seq.error();
  const auto spec = parse_time(text, desk.now);
  const auto* moment = std::get_if<Micros>(&*spec);
  return Place{*seq, moment != nullptr ? std::optional(*moment) : std::nullopt};
}

std::optional<Moment> moment_of(Micros at) {
  return at == 0 ? std::nullopt : std::optional(Moment{at});
}

/// Of the open sessions: when anything was done in them, and from where they were opened.
void add_sessions(const Reader& reader, const engine::State& state, const engine::User& user,
                  bool detail, PresenceQuestion::Row& out) {
  Micros active = 0;
  for (const Seq id : user.sessions) {
    active = std::max(active, state.sessions.at(id).last_activity_at);
    if (!detail) continue;
    const auto header = reader.log().header(id);
    const std::string address =
        header && *header ? reader.open_body(**header).body.address : std::string();
    if (!address.empty() && std::find(out.from.begin(), out.from.end(), address) == out.from.end())
      out.from.push_back(address);
  }
  out.sessions = user.sessions.size();
  out.last_activity = moment_of(active != 0 ? active : user.last_seen);
}

void add_status(const Reader& reader, const engine::User& user, PresenceQuestion::Row& out) {
  if (user.status_seq == 0) return;
  const auto header = reader.log().header(user.status_seq);
  if (!header || !*header) return;
  const auto opened = reader.open_body(**header);
  if (!opened.body.status_text.empty()) out.text = opened.body.status_text;
  if (!opened.body.emoji.empty()) out.emoji = opened.body.emoji;
}

}  // namespace

Result<void> check(const PresenceQuestion& q) {
  RC_TRY(check_whose(q));
  RC_TRY(check_moment("at", q.at));
  for (const auto& state : q.state)
    RC_TRY(check_choice("state", state, {"online", "away", "offline", "any"}));
  if (q.room) RC_TRY(check_text("room", *q.room));
  return {};
}

Whose named_in(const PresenceQuestion& q) {
  Whose out = q;
  for (auto& name : names_in(q.users.value_or(""))) out.user.push_back(std::move(name));
  return out;
}

Result<PresenceQuestion::Summary> answer(const Desk& desk, const PresenceQuestion& q,
                                         const RowSink<PresenceQuestion::Row>& row) {
  const Reader& reader = *desk.reader;
  const auto place = place_of(desk, q.at);
  if (!place) return place.error();
  const auto fold = state_at(reader, place->seq);
  if (!fold) return fold.error();
  const auto found = find_users(reader, q);
  if (!found) return found.error();
  std::set<UserNumber> wanted(found->begin(), found->end());
  for (const UserNumber n : known_users(reader, named_in(q))) wanted.insert(n);
  const bool of_some = q.anybody() || q.users;
  const bool detail = q.detail.value_or(false);
  std::map<std::uint64_t, std::string> rooms;
  if (detail || q.room) rooms = channel_names(reader);
  std::optional<std::uint64_t> room;
  for (const auto& [id, name] : rooms)
    if (q.room && name == *q.room) room = id;
  if (q.room && !room)
    return Error{Errc::NotFound, fmt::format("nobody was ever in '{}'", *q.room)};
  const auto gap = gap_around(reader, place->seq, place->at);
  if (!gap) return gap.error();

  PresenceQuestion::Summary out;
  out.seq = place->seq;
  out.at = {place->at.value_or(fold->state.at)};
  if (*gap) out.gap = GapRow{(*gap)->seq, {(*gap)->from}, {(*gap)->to}};
  if (place->seq != 0) {
    const auto root = reader.log().root_at(place->seq);
    if (!root) return root.error();
    out.root = store::base64(*root);
  }
  const auto fits = [&](const engine::User& user, UserNumber n) {
    if (room) {  // of a server that died: until it was last heard
      const bool attends =
          !*gap && std::any_of(user.attendance.begin(), user.attendance.end(),
                               [&](const auto& a) { return a.channel == *room; });
      if (!attends) return false;
    }
    if (of_some && !wanted.contains(n)) return false;
    if (q.state.empty()) return of_some || user.state != Presence::Offline;
    return std::any_of(q.state.begin(), q.state.end(), [&](const std::string& state) {
      return state == engine::name_of(user.state) ||
             (state == "any" && user.enrolled && !user.erased);
    });
  };
  std::vector<std::pair<std::string, UserNumber>> order;
  const auto& users = fold->state.users;
  for (UserNumber n = 1; n < users.size(); ++n) {
    const engine::User& user = users[n];
    if (user.state == Presence::Online) ++out.online;
    if (user.state == Presence::Away) ++out.away;
    if (!fits(user, n)) continue;
    ++(user.state == Presence::Online ? out.asked_online
       : user.state == Presence::Away ? out.asked_away
                                      : out.asked_offline);
    order.emplace_back(reader.user_text(n), n);
  }
  std::sort(order.begin(), order.end());
  if (q.limit && order.size() > *q.limit) order.resize(*q.limit);
  for (auto& [name, n] : order) {
    const engine::User& user = users[n];
    PresenceQuestion::Row r;
    r.user = std::move(name);
    r.number = n;
    r.state = std::string(engine::name_of(user.state));
    r.since = moment_of(user.since);
    r.last_seen = moment_of(user.last_seen);
    r.do_not_disturb = user.do_not_disturb;
    add_sessions(reader, fold->state, user, detail, r);
    add_status(reader, user, r);
    for (const auto& attendance : user.attendance) {
      const auto it = rooms.find(attendance.channel);
      if (it != rooms.end() && !*gap) r.rooms.push_back(it->second);
    }
    if (!row(r)) break;
  }
  return out;
}

Result<void> check(const PresenceProofQuestion& q) {
  RC_TRY(check_whose(q));
  if (q.count() != 1) return Error{Errc::BadInput, "a proof is for one user: name one"};
  return check_moment("at", q.at);
}

Result<PresenceProofQuestion::Summary> answer(const Desk& desk, const PresenceProofQuestion& q,
                                              const RowSink<BundleFile>& row) {
  const Reader& reader = *desk.reader;
  const auto place = place_of(desk, q.at);
  if (!place) return place.error();
  const auto users = find_users(reader, q);
  if (!users) return users.error();
  if (place->seq == 0)
    return Error{Errc::NotFound, "nothing had happened yet before that moment"};
  BundleRequest request;
  request.complete = Complete::Chain;
  request.user = users->front();
  request.asked_seq = place->seq;
  request.asked_at = place->at.value_or(0);
  const auto files = make_bundle(reader, request);
  if (!files) return files.error();
  (void)put_files(*files, row);
  return PresenceProofQuestion::Summary{request.user, place->seq};
}

}  // namespace rollcall::replay::inline question
