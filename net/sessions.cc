// From sockets and requests to facts.
#include "net/sessions.h"

#include "net/idempotency.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <set>

namespace rollcall::net {
namespace {

using engine::Cause;
using engine::Kind;
using engine::Seq;
using store::Errc;
using store::Error;
using store::Proposal;
using store::Result;
using store::Turn;

constexpr std::size_t kSweepMost = 256;  ///< answers looked at in one turn

Cause cause_of(LinkEnd end) {
  switch (end) {
    case LinkEnd::Clean:
      return Cause::Clean;
    case LinkEnd::Abort:
      return Cause::Abort;
    case LinkEnd::Timeout:
      return Cause::Timeout;
    case LinkEnd::Drain:
      return Cause::Drain;
  }
  return Cause::Abort;
}

std::string key_or_default(const std::string& session) {
  return session.empty() ? std::string(store::kDefaultSession) : session;
}

/// An activity that says nothing but that somebody is there.
bool is_touch(const Write& w) {
  return w.kind == Kind::Activity && w.action.empty() && w.body.empty();
}

/// Whether the write is of a session that must be open.
bool needs_session(const Write& w) {
  if (w.kind == Kind::Logout) return true;
  return w.kind == Kind::Activity && (!w.session.empty() || is_touch(w));
}

Error no_session(const Write& w) {
  const bool named = w.kind == Kind::Logout ? !w.all_sessions : !w.session.empty();
  if (!named) return {Errc::Conflict, fmt::format("{} has no open session", w.user)};
  return {Errc::Conflict,
          fmt::format("{} has no open session '{}'", w.user, key_or_default(w.session))};
}

Error stopped() { return Error{Errc::Io, "nothing is being recorded just now: try again"}; }

/// Joined or Left; its seq, or 0 where the channel has no number in the log any more.
Seq append_attendance(Turn& turn, Kind kind, const std::string& channel, engine::UserNumber user,
                      Seq session) {
  const auto id = turn.channel_id(channel);
  if (!id || !*id) return 0;
  Proposal p;
  p.kind = kind;
  p.number = user;
  p.session = session;
  p.a = **id;
  p.b = turn.node_epoch();
  const auto written = turn.append(p);
  return written ? written->seq : 0;
}

}  // namespace

Sessions::Sessions(store::Live& live) : live_(live), answers_(std::make_unique<AnswerSweep>()) {}
Sessions::~Sessions() = default;

Result<Sessions::Linked*> Sessions::ensure(Turn& turn, ConnectionId connection, const Who& who) {
  const std::string key = key_or_default(who.session);
  auto& list = links_[connection];
  const auto known = turn.writer().vault().number_of(who.user);
  Linked* found = nullptr;
  for (Linked& linked : list)
    if (known && linked.user == *known && linked.key == key) found = &linked;
  if (found != nullptr && turn.state().sessions.contains(found->session)) return found;
  auto session = turn.writer().session_by_key(who.user, key);
  if (!session) {
    Proposal login;
    login.kind = Kind::Login;
    login.cause = Cause::Connect;
    login.user = who.user;
    login.body.external_key = key;
    login.body.address = who.address;
    login.body.agent = who.agent;
    const auto written = turn.append(login);
    if (!written) {
      if (list.empty()) links_.erase(connection);
      return written.error();
    }
    if (written->outcome != engine::Outcome::Applied) {
      if (list.empty()) links_.erase(connection);
      return Error{Errc::Refused, "this user cannot log in"};
    }
    session = written->seq;
  }
  const auto number = turn.writer().vault().number_of(who.user);
  Proposal up;
  up.kind = Kind::LinkUp;
  up.number = number.value_or(0);
  up.session = *session;
  up.a = connection;
  up.b = turn.node_epoch();
  const auto linked = turn.append(up);
  if (!linked) return linked.error();
  if (found == nullptr) {
    list.push_back({*session, up.number, {}, key});
    found = &list.back();
  }
  found->session = *session;
  found->user = up.number;
  return found;
}

void Sessions::drop(Turn& turn, ConnectionId connection, Linked& linked, Cause cause) {
  const auto it = turn.state().sessions.find(linked.session);
  if (it == turn.state().sessions.end()) return;  // closed meanwhile: its links count for nothing
  Proposal down;
  down.kind = Kind::LinkDown;
  down.cause = cause;
  down.number = linked.user;
  down.session = linked.session;
  down.a = connection;
  down.b = turn.node_epoch();
  (void)turn.append(down);
}

void Sessions::attach(ConnectionId connection, Ticket reason, Who who, std::string channel,
                      Then then) {
  const auto shared = std::make_shared<Then>(std::move(then));
  const bool accepted = live_.submit([this, connection, reason, who = std::move(who),
                                      channel = std::move(channel), shared](Turn& turn) {
    Result<Seq> out = Seq{0};
    const auto linked = ensure(turn, connection, who);
    if (!linked) {
      out = linked.error();
    } else {
      auto& reasons = (*linked)->reasons;
      if (std::find(reasons.begin(), reasons.end(), reason) == reasons.end())
        reasons.push_back(reason);
      out = turn.state().seq;
      if (!channel.empty()) {
        const Seq joined =
            append_attendance(turn, Kind::Joined, channel, (*linked)->user, (*linked)->session);
        if (joined != 0) out = joined;
      }
    }
    turn.when_durable([shared, out](const Result<void>& durable) {
      (*shared)(durable ? out : Result<Seq>(durable.error()));
    });
  });
  if (!accepted) (*shared)(stopped());
}

void Sessions::detach(ConnectionId connection, Ticket reason, std::string channel, Then then) {
  const auto shared = std::make_shared<Then>(std::move(then));
  const bool accepted =
      live_.submit([this, connection, reason, channel = std::move(channel), shared](Turn& turn) {
        Seq seq = 0;
        const auto it = links_.find(connection);
        if (it != links_.end()) {
          std::erase_if(it->second, [&](Linked& linked) {
            if (std::erase(linked.reasons, reason) == 0) return false;
            if (!channel.empty())
              seq = append_attendance(turn, Kind::Left, channel, linked.user, linked.session);
            if (!linked.reasons.empty()) return false;
            drop(turn, connection, linked, Cause::Clean);
            return true;
          });
          if (it->second.empty()) links_.erase(it);
        }
        turn.when_durable([shared, seq](const Result<void>&) { (*shared)(seq); });
      });
  if (!accepted) (*shared)(Seq{0});
}

void Sessions::gone(ConnectionId connection, LinkEnd end, std::vector<Attended> attended,
                    Then then) {
  const auto shared = std::make_shared<Then>(std::move(then));
  const auto list = std::make_shared<std::vector<Attended>>(std::move(attended));
  const bool accepted = live_.submit([this, connection, end, list, shared](Turn& turn) {
    Seq seq = 0;
    const auto it = links_.find(connection);
    const auto holds = [&](Ticket reason) {  // one that the log refused never came
      return it != links_.end() &&
             std::any_of(it->second.begin(), it->second.end(), [&](const Linked& linked) {
               return std::find(linked.reasons.begin(), linked.reasons.end(), reason) !=
                      linked.reasons.end();
             });
    };
    for (const Attended& a : *list) {
      if (!holds(a.reason)) continue;
      if (const auto number = turn.writer().vault().number_of(a.user))
        seq = append_attendance(turn, Kind::Left, a.channel, *number, 0);
    }
    Missed ended{connection, end, {}};
    if (it != links_.end()) {
      for (Linked& linked : it->second) {
        drop(turn, connection, linked, cause_of(end));
        ended.users.push_back(linked.user);
      }
      links_.erase(it);
    }
    turn.when_durable([this, ended = std::move(ended), shared, seq](const Result<void>& durable) {
      if (!durable) {  // the log opened anew may still hold the link: it is told again then
        const std::lock_guard guard(missed_mutex_);
        missed_.push_back(ended);
      }
      (*shared)(seq);
    });
  });
  if (accepted) return;
  {
    const std::lock_guard guard(missed_mutex_);
    missed_.push_back({connection, end, {}});
    missed_attended_.insert(missed_attended_.end(), list->begin(), list->end());
  }
  (*shared)(Seq{0});
}

void Sessions::resume() {
  // What was deleted ahead of the disk may be there again.
  (void)live_.submit([this](Turn&) { *answers_ = {}; });
  std::vector<Missed> missed;
  std::vector<Attended> attended;
  {
    const std::lock_guard guard(missed_mutex_);
    missed.swap(missed_);
    attended.swap(missed_attended_);
  }
  if (missed.empty() && attended.empty()) return;
  (void)live_.submit([this, missed, attended](Turn& turn) {
    // Whatever the log holds of these connections ends now: which sessions, the log says.
    std::map<ConnectionId, Cause> ended;
    std::set<engine::UserNumber> users;
    for (const Missed& m : missed) {
      ended[m.connection] = cause_of(m.end);
      users.insert(m.users.begin(), m.users.end());
      const auto it = links_.find(m.connection);
      if (it == links_.end()) continue;
      for (const Linked& linked : it->second) users.insert(linked.user);
      links_.erase(it);
    }
    std::vector<Proposal> downs;
    for (const engine::UserNumber n : users) {
      if (turn.state().find(n) == nullptr) continue;  // enrolled by what the log does not hold
      for (const Seq id : turn.state().users[n].sessions) {
        for (const engine::Link& link : turn.state().sessions.at(id).links) {
          const auto it = ended.find(link.connection);
          if (link.node != turn.node_epoch() || it == ended.end()) continue;
          Proposal down;
          down.kind = Kind::LinkDown;
          down.cause = it->second;
          down.number = n;
          down.session = id;
          down.a = link.connection;
          down.b = link.node;
          downs.push_back(down);
        }
      }
    }
    for (const Proposal& down : downs) (void)turn.append(down);
    for (const Attended& a : attended) {
      if (const auto number = turn.writer().vault().number_of(a.user))
        (void)append_attendance(turn, Kind::Left, a.channel, *number, 0);
    }
  });
}

void Sessions::touch(ConnectionId connection) {
  (void)live_.submit([this, connection](Turn& turn) {
    const auto it = links_.find(connection);
    if (it == links_.end()) return;
    for (const Linked& linked : it->second)
      if (turn.state().sessions.contains(linked.session)) (void)turn.touch(linked.session);
  });
}

void Sessions::hint_away(ConnectionId connection) {
  (void)live_.submit([this, connection](Turn& turn) {
    const auto it = links_.find(connection);
    if (it == links_.end()) return;
    for (const Linked& linked : it->second) {
      const auto session = turn.state().sessions.find(linked.session);
      if (session == turn.state().sessions.end() || session->second.away ||
          session->second.links.size() > 1)
        continue;
      Proposal hint;
      hint.kind = Kind::Inactivity;
      hint.cause = Cause::ClientHint;
      hint.number = linked.user;
      hint.session = linked.session;
      hint.a = session->second.act_rev;
      hint.b = static_cast<std::uint64_t>(session->second.last_activity_at);
      (void)turn.append(hint);
    }
  });
}

Result<WriteReply> Sessions::perform(Turn& turn, const Write& w) {
  Proposal p;
  p.kind = w.kind;
  p.user = w.user;
  p.flags = w.flags;
  p.action = w.action;
  p.body = w.body;
  const std::string key = key_or_default(w.session);
  const auto known = turn.writer().vault().number_of(w.user);
  if (w.kind == Kind::Login) {
    p.cause = Cause::Login;
    p.body.external_key = key;
  } else if (!known) {
    return Error{Errc::NotFound, fmt::format("there is no user '{}' (a login enrols one)", w.user)};
  } else if (w.kind == Kind::Logout) {
    p.cause = Cause::Logout;
    // Callers that name no session mean the user: C20.
    if (!w.all_sessions) {
      const auto session = turn.writer().session_by_key(w.user, key);
      if (!session) return no_session(w);
      p.session = *session;
    } else if (turn.state().users[*known].sessions.empty()) {
      return no_session(w);
    }
  } else if (!w.session.empty()) {
    // A session is never made by what happens in it (C19).
    const auto session = turn.writer().session_by_key(w.user, key);
    if (!session) return no_session(w);
    p.session = *session;
  }
  if (w.kind == Kind::StatusSet || w.kind == Kind::StatusCleared) {
    p.cause = Cause::User;
    p.a = static_cast<std::uint64_t>(w.until);
  }
  WriteReply reply;
  if (known) {
    const engine::User& before = turn.state().users[*known];
    reply.hid = before.state != before.visible;
  }
  reply.of_session = needs_session(w);
  if (is_touch(w)) {
    const Seq session = p.session != 0 ? p.session : engine::activity_session(turn.state(), *known);
    if (session == 0) return no_session(w);
    const auto logged = turn.touch(session);
    if (!logged) return logged.error();
    reply.outcome = *logged ? "applied" : "held";
    reply.seq = *logged ? turn.state().seq : 0;
  } else {
    const auto written = turn.append(p);
    if (!written) return written.error();
    reply.seq = written->seq;
    reply.outcome = std::string(engine::name_of(written->outcome));
  }
  const auto number = turn.writer().vault().number_of(w.user);
  if (number) {
    const engine::User& user = turn.state().users[*number];
    reply.presence = std::string(engine::name_of(user.state));
    reply.visible = std::string(engine::name_of(user.visible));
  }
  return reply;
}

void Sessions::write(Write write, std::function<void(const Result<WriteReply>&)> then) {
  const auto shared =
      std::make_shared<std::function<void(const Result<WriteReply>&)>>(std::move(then));
  const auto asked = std::make_shared<Write>(std::move(write));
  const bool accepted = live_.submit([this, asked, shared](Turn& turn) {
    const auto answer = [&]() -> Result<WriteReply> {
      const bool keyed = !asked->idempotency_key.empty();
      if (keyed) {
        const auto first = first_answer(turn, *asked);
        if (!first) return first.error();
        if (*first) return told(*asked, **first);
      }
      auto reply = perform(turn, *asked);
      if (reply && keyed) keep_answer(turn, *asked, *reply);
      if (reply && asked->connection != 0) {
        if (const auto it = links_.find(asked->connection); it != links_.end())
          for (const Linked& linked : it->second)
            if (turn.state().sessions.contains(linked.session)) (void)turn.touch(linked.session);
      }
      return reply;
    }();
    turn.when_durable([shared, answer](const Result<void>& durable) {
      if (durable) {
        (*shared)(answer);
        return;
      }
      (*shared)(Error{Errc::Io, "outcome-unknown: " + durable.error().detail});
    });
  });
  if (!accepted) (*shared)(stopped());
}

void Sessions::sweep_answers() {
  (void)live_.submit([this](Turn& turn) {
    const auto more = answers_->step(turn, kSweepMost);
Result<WriteReply> told(const Write& asked, const WriteReply& reply) {
  WriteReply out = reply;
  if (asked.sees_inside) return out;
  out.presence = reply.visible;
  if (!reply.hid) return out;
  if (reply.of_session) return no_session(asked);
  out.outcome = engine::name_of(engine::Outcome::Applied);  // not that it was a duplicate
  return out;
}

    turn.when_durable([this, again = more && *more](const Result<void>& durable) {
      if (durable && again) sweep_answers();
    });
  });
}

void Sessions::terminate(std::string user) {
  (void)live_.submit([user = std::move(user)](Turn& turn) {
    const auto number = turn.writer().vault().number_of(user);
    if (!number || turn.state().users[*number].sessions.empty()) return;
    Proposal p;
    p.kind = Kind::Logout;
    p.cause = Cause::Revoked;
    p.number = *number;
    (void)turn.append(p);
  });
}

}  // namespace rollcall::net
      if (reply) return told(*asked, *reply);
