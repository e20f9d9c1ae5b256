// The state of one person, and the reasons if they are asked for.
#include "replay/question/state.h"

#include "engine/sequencer.h"
#include "replay/question/presence.h"
#include "replay/reason_words.h"

#include <algorithm>

namespace rollcall::replay::inline question {
namespace {

using Row = StateQuestion::Row;

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

/// The parts of an answer as rows, in order.
class Reasons {
 public:
  Reasons(const Reader& reader, const StateQuestion::Summary& told, const Explanation& why)
      : reader_(reader), told_(told), why_(why) {}

  std::vector<Row> rows(const AsOf& moment) && {
    unknown(moment);
    state();
    for (const SessionReasons& session : why_.sessions) add_session(session);
    if (why_.status) {
      Row row = row_of("status", *why_.status);
      row.says = status_words(engine::status_of(why_.status->by));
      out_.push_back(std::move(row));
    }
    for (const auto& [channel, made] : why_.members) {
      Row row = row_of("room", made);
      row.says = "in " + reader_.channel_text(channel);
      out_.push_back(std::move(row));
    }
    if (why_.seen && told_.last_seen) {
      Row row = row_of("last_seen", *why_.seen);
      row.says = fmt::format("last sign of life at {}", short_time(told_.last_seen->at));
      out_.push_back(std::move(row));
    }
    return std::move(out_);
  }

 private:
  static void set_rule(Row& row, const Rule* rule) {
    if (rule == nullptr) return;
    row.rule = std::string(rule->number);
    row.rule_says = std::string(rule->says);
  }

  static Row row_of(std::string part, const Made& made, std::optional<Seq> session = {}) {
    Row row;
    row.part = std::move(part);
    row.session = session;
    if (made.logged) row.seq = made.by.seq;
    row.at = Moment{made.by.at};
    row.kind = std::string(engine::name_of(made.by.kind));
    if (made.by.cause != engine::Cause::None)
      row.cause = std::string(engine::name_of(made.by.cause));
    set_rule(row, made.rules.own);
    return row;
  }

  void unknown(const AsOf& moment) {
    if (moment.known == Known::Yes) return;
    Row row;
    row.part = "unknown";
    if (moment.known == Known::BeforeBegin) {
      row.says = moment.begins == 0 ? std::string("the log is empty")
                                    : "the log begins at " + short_time(moment.begins);
    } else if (moment.known == Known::AfterEnd) {
      row.seq = moment.seq;
      row.at = Moment{moment.ends};
      row.says = fmt::format("the log ends at {} and no server has it open: {}",
                             short_time(moment.ends), known_before());
    }
    for (const Gap& gap : moment.gaps) {
      row.seq = gap.seq;
      row.at = Moment{gap.to};
      row.says = fmt::format("nobody watched from {} to {}: {}", short_time(gap.from),
                             short_time(gap.to), known_before());
      const auto told_by = reader_.log().header(gap.seq);
      const bool clock = told_by && *told_by && (*told_by)->kind == engine::Kind::ClockStep;
      set_rule(row, find_rule(clock ? "S31" : "C15"));
      out_.push_back(row);
    }
    if (moment.gaps.empty()) out_.push_back(std::move(row));
  }

  [[nodiscard]] std::string known_before() const {
    return told_.last_known
               ? fmt::format("what follows is what was known before, {}", *told_.last_known)
               : std::string("before, the user was offline");
  }

  void state() {
    Row row;
    row.part = "state";
    if (why_.since) {
      row = row_of("state", *why_.since);
      set_rule(row, why_.since->rules.of_state());
      row.says = fmt::format("{} since {}: {}", told_.last_known.value_or(told_.state),
                             short_time(why_.since->by.at), words_of(reader_, *why_.since));
    } else {
      row.says = told_.state + ": no session was ever opened";
    }
    out_.push_back(std::move(row));
  }

  void add_session(const SessionReasons& is) {
    const auto open = std::find_if(told_.open.begin(), told_.open.end(), [&](const auto& session) {
      return session.login_seq == is.session;
    });
    if (open == told_.open.end()) return;
    if (is.opened) {
      Row row = row_of("session", *is.opened, is.session);
      set_rule(row, is.opened->rules.own);
      row.says = "opened by " + words_of(reader_, *is.opened);
      if (open->address) row.says += " from " + *open->address;
      if (open->device) row.says += ", " + *open->device;
      out_.push_back(std::move(row));
    }
    if (is.active) {
      Row row = row_of("activity", *is.active, is.session);
      row.says = fmt::format("last active at {}: {}", short_time(open->last_activity.at),
                             words_of(reader_, *is.active));
      out_.push_back(std::move(row));
    }
    if (is.away) {
      Row row = row_of("away", *is.away, is.session);
      row.says = words_of(reader_, *is.away);
      out_.push_back(std::move(row));
    }
    for (const auto& [link, made] : is.links) {
      Row row = row_of("link", made, is.session);
      row.says =
          fmt::format("connection {} at node {}", link.connection, engine::node_of(link.node));
      out_.push_back(std::move(row));
    }
    if (is.detached) {
      Row row = row_of("detached", *is.detached, is.session);
      row.says = fmt::format("without a connection since {}: the last one ended",
                             short_time(is.detached->by.at));
      out_.push_back(std::move(row));
    }
    add_due(is, *open);
  }

  /// What happens next if nothing does.
  void add_due(const SessionReasons& is, const StateQuestion::Session& open) {
    const auto add = [&](const std::optional<Made>& from, Moment at, std::string says,
                         std::string_view rule) {
      Row row = from ? row_of("due", *from, is.session) : Row{};
      row.part = "due";
      row.session = is.session;
      row.at = at;
      row.says = std::move(says);
      set_rule(row, find_rule(rule));
      out_.push_back(std::move(row));
    };
    const engine::Policy& policy = why_.state.policy;
    const engine::Session& session = why_.state.sessions.at(is.session);
    const auto& active = is.active ? is.active : is.opened;
    if (open.away_at)
      add(active, *open.away_at,
          fmt::format("turns away at {} without activity: idle_after is {}{}",
                      short_time(open.away_at->at),
                      seconds_text(Micros{policy.idle_after_ms} * 1000),
                      counted_from(open.last_activity.at, session.idle_from)),
          is.detached ? "S22" : "S07");
    if (!open.ends_at) return;
    if (open.detached_at)
      add(is.detached, *open.ends_at,
          fmt::format("is closed at {} without a new connection: its grace is {}{}",
                      short_time(open.ends_at->at),
                      seconds_text(open.ends_at->at - session.detached_from),
                      is.detached ? counted_from(is.detached->by.at, session.detached_from) : ""),
          "S19");
    else
      add(active, *open.ends_at,
          fmt::format("is closed at {} without activity: its time to live is {}{}",
                      short_time(open.ends_at->at), seconds_text(Micros{policy.ttl_s} * 1'000'000),
                      counted_from(open.last_activity.at, session.idle_from)),
          "S23");
  }

  const Reader& reader_;
  const StateQuestion::Summary& told_;
  const Explanation& why_;
  std::vector<Row> out_;
};

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
  for (const Row& reason : Reasons(reader, out, why).rows(*moment))
    if (!row(reason)) break;
  return out;
}

}  // namespace rollcall::replay::inline question
