// The state after an event, person by person.
#include "replay/question/presence.h"

#include "replay/attendance.h"
#include "store/bytes/crypto.h"

#include <algorithm>
#include <set>

namespace rollcall::replay::inline question {
namespace {

using engine::Presence;

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

}  // namespace

ToldState told_state(const engine::User& user, Known known) {
  std::string is(engine::name_of(user.state));
  if (known == Known::Yes || user.state == Presence::Offline) return {std::move(is), std::nullopt};
  return {"unknown", std::move(is)};
}

StatusText status_text(const Reader& reader, const engine::User& user) {
  if (user.status_seq == 0) return {};
  const auto header = reader.log().header(user.status_seq);
  if (!header || !*header) return {};
  const auto opened = reader.open_body(**header);
  StatusText out;
  if (!opened.body.status_text.empty()) out.text = opened.body.status_text;
  if (!opened.body.emoji.empty()) out.emoji = opened.body.emoji;
  return out;
}

Result<std::optional<std::string>> root_text(const Reader& reader, Seq seq) {
  if (seq == 0) return std::optional<std::string>();
  const auto root = reader.log().root_at(seq);
  if (!root) return root.error();
  return std::optional(store::base64(*root));
}

std::optional<Moment> moment_of(Micros at) {
  return at == 0 ? std::nullopt : std::optional(Moment{at});
}

Result<void> check(const PresenceQuestion& q) {
  RC_TRY(check_whose(q));
  RC_TRY(check_moment("at", q.at));
  for (const auto& state : q.state)
    RC_TRY(check_choice("state", state, {"online", "away", "offline", "unknown", "any"}));
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
  const auto moment = as_of(reader, q.at.value_or(""), desk.now, desk.watched);
  if (!moment) return moment.error();
  const auto state = state_as_of(reader, *moment);
  if (!state) return state.error();
  const bool known = moment->known == Known::Yes;
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

  PresenceQuestion::Summary out;
  out.seq = moment->seq;
  out.at = {moment->at};
  out.coverage = coverage_of(*moment);
  out.gaps = rows_of(moment->gaps);
  if (!out.gaps.empty()) out.gap = out.gaps.front();
  auto root = root_text(reader, moment->seq);
  if (!root) return root.error();
  out.root = std::move(*root);
  const auto unknown = [&](const engine::User& user) {
    return !known && user.state != Presence::Offline;
  };
  // Of a server that died, until it was last heard.
  const bool attended = moment->known != Known::InGap;
  const auto attends = [&](const engine::User& user, std::uint64_t channel) {
    return attended && std::any_of(user.attendance.begin(), user.attendance.end(),
                                   [&](const auto& a) { return a.channel == channel; });
  };
  const auto fits = [&](const engine::User& user, UserNumber n) {
    if (room && !attends(user, *room)) return false;
    if (of_some && !wanted.contains(n)) return false;
    if (q.state.empty()) return of_some || user.state != Presence::Offline;
    return std::any_of(q.state.begin(), q.state.end(), [&](const std::string& wish) {
      return wish == told_state(user, moment->known).state ||
             (wish == "any" && user.enrolled && !user.erased);
    });
  };
  std::vector<std::pair<std::string, UserNumber>> order;
  const auto& users = state->users;
  for (UserNumber n = 1; n < users.size(); ++n) {
    const engine::User& user = users[n];
    const bool asked = fits(user, n);
    if (unknown(user)) {
      ++out.unknown;
      if (asked) ++out.asked_unknown;
    } else if (user.state == Presence::Online) {
      ++out.online;
      if (asked) ++out.asked_online;
    } else if (user.state == Presence::Away) {
      ++out.away;
      if (asked) ++out.asked_away;
    } else if (asked) {
      ++out.asked_offline;
    }
    if (!asked) continue;
    order.emplace_back(reader.user_text(n), n);
  }
  std::sort(order.begin(), order.end());
  if (q.limit && order.size() > *q.limit) order.resize(*q.limit);
  for (auto& [name, n] : order) {
    const engine::User& user = users[n];
    PresenceQuestion::Row r;
    r.user = std::move(name);
    r.number = n;
    auto told = told_state(user, moment->known);
    r.state = std::move(told.state);
    r.last_known = std::move(told.last_known);
    r.since = moment_of(user.since);
    r.last_seen = moment_of(user.last_seen);
    r.do_not_disturb = user.do_not_disturb;
    add_sessions(reader, *state, user, detail, r);
    auto said = status_text(reader, user);
    r.text = std::move(said.text);
    r.emoji = std::move(said.emoji);
    for (const auto& attendance : user.attendance) {
      const auto it = rooms.find(attendance.channel);
      if (it != rooms.end() && attended) r.rooms.push_back(it->second);
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
  const auto moment = as_of(reader, q.at.value_or(""), desk.now, desk.watched);
  if (!moment) return moment.error();
  const auto users = find_users(reader, q);
  if (!users) return users.error();
  if (moment->known == Known::BeforeBegin)
    return Error{Errc::NotFound, "nothing had happened yet at that moment"};
  if (moment->known != Known::Yes)
    return Error{Errc::Incomplete,
                 "nobody watched at that moment, so nothing can be proven of it: sign a checkpoint "
                 "after it (`rollcall checkpoint sign`)"};
  BundleRequest request;
  request.complete = Complete::Chain;
  request.user = users->front();
  request.asked_seq = moment->seq;
  if (q.at && !moment->by_seq) request.asked_at = moment->at;
  const auto files = make_bundle(reader, request);
  if (!files) return files.error();
  (void)put_files(*files, row);
  return PresenceProofQuestion::Summary{request.user, moment->seq};
}

}  // namespace rollcall::replay::inline question
