// A sentence for each kind of part.
#include "replay/question/state_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace rollcall::replay::inline question {
namespace {

using engine::Cause;
using engine::Kind;
using Row = StateQuestion::Row;

std::string event_text(const Header& h) {
  return fmt::format("#{}, {}{}{}", h.seq, engine::name_of(h.kind),
                     h.cause == Cause::None ? "" : " ", engine::name_of(h.cause));
}

std::string action_text(const Reader& reader, const Header& h) {
  const bool interned = engine::activity_of(h).action != 0;
  return reader.action_text(h, interned ? engine::Body{} : reader.open_body(h).body);
}

std::string status_words(const engine::StatusFields& set) {
  std::string out = set.manual == engine::Override::Away        ? "Away by hand"
                    : set.manual == engine::Override::Invisible ? "invisible to others"
                                                                : "no state by hand";
  if (set.do_not_disturb) out += ", do not disturb";
  if (set.until != 0) out += ", until " + short_time(set.until);
  return out;
}

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
    if (made.by.cause != Cause::None) row.cause = std::string(engine::name_of(made.by.cause));
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
      const bool clock = told_by && *told_by && (*told_by)->kind == Kind::ClockStep;
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
    const auto& active = is.active ? is.active : is.opened;
    if (open.away_at)
      add(active, *open.away_at,
          fmt::format("turns away at {} without activity: idle_after is {}",
                      short_time(open.away_at->at),
                      seconds_text(Micros{policy.idle_after_ms} * 1000)),
          is.detached ? "S22" : "S07");
    if (!open.ends_at) return;
    if (open.detached_at)
      add(is.detached, *open.ends_at,
          fmt::format("is closed at {} without a new connection: its grace is over then",
                      short_time(open.ends_at->at)),
          "S19");
    else
      add(active, *open.ends_at,
          fmt::format("is closed at {} without activity: its time to live is {}",
                      short_time(open.ends_at->at), seconds_text(Micros{policy.ttl_s} * 1'000'000)),
          "S23");
  }

  const Reader& reader_;
  const StateQuestion::Summary& told_;
  const Explanation& why_;
  std::vector<Row> out_;
};

}  // namespace

std::string seconds_text(Micros length) {
  constexpr Micros kSecond = 1'000'000;
  if (length % kSecond == 0) return fmt::format("{} s", length / kSecond);
  return fmt::format("{} s", static_cast<double>(length) / 1e6);
}

std::string words_of(const Reader& reader, const Made& made) {
  const Header& h = made.by;
  const std::string due = made.logged ? "" : " (due, not in the log yet)";
  const std::string from = made.basis ? fmt::format(" since {} ({})", short_time(made.basis->at),
                                                    event_text(*made.basis))
                                      : std::string();
  const std::string limit = made.limit == 0 ? "" : " after " + seconds_text(made.limit);
  switch (h.kind) {
    case Kind::Login:
      return h.cause == Cause::Resync    ? "a login after its node came back"
             : h.cause == Cause::Connect ? "a login with a connection"
                                         : "a login";
    case Kind::Activity: {
      const std::string action = action_text(reader, h);
      return action.empty() ? "a sign of life" : "the action " + action;
    }
    case Kind::Inactivity:
      if (h.cause == Cause::ClientHint) return "the client said that nobody is at it";
      return fmt::format("no activity{}: inactivity concluded{}{}", from, limit, due);
    case Kind::Logout:
      switch (h.cause) {
        case Cause::GraceExpired:
          return fmt::format("no connection{}: the grace ran out{}{}", from, limit, due);
        case Cause::TtlExpired:
          return fmt::format("no activity{}: the time to live ran out{}{}", from, limit, due);
        case Cause::Revoked:
          return "the session was revoked";
        case Cause::Superseded:
          return "a later login took its place";
        default:
          return "a logout";
      }
    case Kind::StatusSet:
      return "the status was set: " + status_words(engine::status_of(h));
    case Kind::StatusCleared:
      return h.cause == Cause::Expired ? "the status ended by itself" + due
                                       : "the status was cleared";
    case Kind::UserErased:
      return "the user was forgotten";
    default:
      return fmt::format("{} ({})", engine::name_of(h.kind), engine::name_of(h.cause));
  }
}

std::vector<Row> reasons_of(const Reader& reader, const AsOf& moment,
                            const StateQuestion::Summary& told, const Explanation& why) {
  return Reasons(reader, told, why).rows(moment);
}

}  // namespace rollcall::replay::inline question
