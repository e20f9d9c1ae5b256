// The state of one person, and the reasons if they are asked for.
#include "replay/question/state.h"

#include "engine/sequencer.h"
#include "replay/question/presence.h"
#include "replay/question/state_words.h"

namespace rollcall::replay::inline question {
namespace {

void add_texts(const Reader& reader, Seq login, StateQuestion::Session& out) {
  const auto header = reader.log().header(login);
  if (!header || !*header) return;
  const engine::Body body = reader.open_body(**header).body;
  const auto put = [](const std::string& text, std::optional<std::string>& into) {
    if (!text.empty()) into = text;
  };
  put(body.address, out.address);
  put(body.device, out.device);
  put(body.agent, out.agent);
}

/// `watched`: timers run at the moment, so what is due will come.
StateQuestion::Session session_of(const Reader& reader, const engine::Policy& policy,
                                  const engine::Session& is, bool watched) {
  StateQuestion::Session out;
  out.login_seq = is.id;
  out.state = is.away ? "away" : "on";
  out.opened_at = {is.opened_at};
  out.last_activity = {is.last_activity_at};
  out.links = is.links.size();
  if (is.detached) out.detached_at = Moment{is.detached_from};
  if (watched) {
    if (const auto at = engine::idle_deadline(policy, is)) out.away_at = Moment{*at};
    if (const auto at = engine::end_deadline(policy, is)) {
      out.ends_at = Moment{*at};
      out.ends_by = std::string(
          engine::name_of(is.detached ? engine::Cause::GraceExpired : engine::Cause::TtlExpired));
    }
  }
  add_texts(reader, is.id, out);
  return out;
}

std::string_view name_of(engine::Override manual) {
  return manual == engine::Override::Away        ? "away"
         : manual == engine::Override::Invisible ? "invisible"
                                                 : "none";
}

void tell_person(const Reader& reader, const engine::State& state, const engine::User& user,
                 Known known, StateQuestion::Summary& out) {
  const bool watched = known == Known::Yes;
  auto told = told_state(user, known);
  out.state = std::move(told.state);
  out.last_known = std::move(told.last_known);
  out.since = moment_of(user.since);
  out.last_seen = moment_of(user.last_seen);
  out.sessions = user.sessions.size();
  out.status = std::string(name_of(user.manual));
  if (user.visible != user.state) out.shown_as = std::string(engine::name_of(user.visible));
  out.do_not_disturb = user.do_not_disturb;
  out.until = moment_of(user.until);
  auto said = status_text(reader, user);
  out.text = std::move(said.text);
  out.emoji = std::move(said.emoji);
  // Of a server that died, until it was last heard.
  if (known != Known::InGap)
    for (const engine::Attendance& at : user.attendance)
      if (auto room = reader.channel_text(at.channel);
          out.rooms.empty() || out.rooms.back() != room)
        out.rooms.push_back(std::move(room));
  for (const Seq id : user.sessions)
    out.open.push_back(session_of(reader, state.policy, state.sessions.at(id), watched));
}

}  // namespace

Result<void> check(const StateQuestion& q) {
  RC_TRY(check_whose(q));
  if (q.count() != 1) return Error{Errc::BadInput, "a state is of one user: name one"};
  return check_moment("at", q.at);
}

Result<StateQuestion::Summary> answer(const Desk& desk, const StateQuestion& q,
                                      const RowSink<StateQuestion::Row>& row) {
  const Reader& reader = *desk.reader;
  const auto moment = as_of(reader, q.at.value_or(""), desk.now, desk.watched);
  if (!moment) return moment.error();
  const auto users = find_users(reader, q);
  if (!users) return users.error();
  const auto state = state_as_of(reader, *moment);
  if (!state) return state.error();
  const UserNumber number = users->front();
  StateQuestion::Summary out;
  out.user = reader.user_text(number);
  out.number = number;
  out.seq = moment->seq;
  out.at = {moment->at};
  out.coverage = coverage_of(*moment);
  out.gaps = rows_of(moment->gaps);
  auto root = root_text(reader, moment->seq);
  if (!root) return root.error();
  out.root = std::move(*root);
  const engine::User* user = state->find(number);
  tell_person(reader, *state, user == nullptr ? engine::User{} : *user, moment->known, out);
  if (!q.explain.value_or(false)) return out;
  Explanation why;
  if (user != nullptr) {
    auto found = explain(reader, *moment, *state, number);
    if (!found) return found.error();
    why = std::move(*found);
  }
  for (std::size_t i = 0; i < why.sessions.size() && i < out.open.size(); ++i)
    if (why.sessions[i].away) out.open[i].away_since = Moment{why.sessions[i].away->by.at};
  for (const StateQuestion::Row& reason : reasons_of(reader, *moment, out, why))
    if (!row(reason)) break;
  return out;
}

}  // namespace rollcall::replay::inline question
