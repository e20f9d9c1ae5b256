// From sockets and requests to facts.
#include "net/presence/sessions.h"

#include "net/presence/idempotency.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>

namespace rollcall::net::inline presence {
namespace {

using engine::Cause;
using engine::Kind;
using engine::Seq;
using store::Errc;
using store::Error;
using store::Proposal;
using store::Result;
using store::Transaction;

constexpr std::size_t kSweepMost = 256;  ///< answers looked at in one transaction

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

Error stopped() { return Error{Errc::Io, "nothing is being recorded just now: try again"}; }

/// Joined or Left; its seq, or 0 where the channel has no number in the log any more.
Seq append_attendance(Transaction& transaction, Kind kind, const std::string& channel,
                      engine::UserNumber user, Seq session) {
  const auto id = transaction.channel_id(channel);
  if (!id || !*id) return 0;
  Proposal p;
  p.kind = kind;
  p.number = user;
  p.session = session;
  engine::write_fields(p, engine::MemberFields{**id, transaction.node_epoch()});
  const auto written = transaction.append(p);
  return written ? written->seq : 0;
}

}  // namespace

Sessions::Sessions(store::LogSource& live)
    : live_(live), answers_(std::make_unique<AnswerSweep>()) {}
Sessions::~Sessions() = default;

Result<Sessions::Linked*> Sessions::ensure(Transaction& transaction, ConnectionId connection,
                                           const Who& who) {
  const std::string key = key_or_default(who.session);
  auto& list = links_[connection];
  const auto known = transaction.writer().vault().number_of(who.user);
  Linked* found = nullptr;
  for (Linked& linked : list)
    if (known && linked.user == *known && linked.key == key) found = &linked;
  if (found != nullptr && transaction.state().sessions.contains(found->session)) return found;
  auto session = transaction.writer().session_by_key(who.user, key);
  if (!session) {
    Proposal login;
    login.kind = Kind::Login;
    login.cause = Cause::Connect;
    login.user = who.user;
    login.body.external_key = key;
    login.body.address = who.address;
    login.body.agent = who.agent;
    const auto written = transaction.append(login);
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
  const auto number = transaction.writer().vault().number_of(who.user);
  Proposal up;
  up.kind = Kind::LinkUp;
  up.number = number.value_or(0);
  up.session = *session;
  engine::write_fields(up, engine::LinkFields{connection, transaction.node_epoch()});
  const auto linked = transaction.append(up);
  if (!linked) return linked.error();
  if (found == nullptr) {
    list.push_back({*session, up.number, {}, key});
    found = &list.back();
  }
  found->session = *session;
  found->user = up.number;
  return found;
}

void Sessions::drop(Transaction& transaction, ConnectionId connection, Linked& linked,
                    Cause cause) {
  const auto it = transaction.state().sessions.find(linked.session);
  if (it == transaction.state().sessions.end())
    return;  // closed meanwhile: its links count for nothing
  Proposal down;
  down.kind = Kind::LinkDown;
  down.cause = cause;
  down.number = linked.user;
  down.session = linked.session;
  engine::write_fields(down, engine::LinkFields{connection, transaction.node_epoch()});
  (void)transaction.append(down);
}

void Sessions::attach(ConnectionId connection, Ticket reason, Who who, std::string channel,
                      Then then) {
  const auto shared = std::make_shared<Then>(std::move(then));
  const bool accepted =
      live_.submit([this, connection, reason, who = std::move(who), channel = std::move(channel),
                    shared](Transaction& transaction) {
        Result<Seq> out = Seq{0};
        bool took = false;
        const auto linked = ensure(transaction, connection, who);
        if (!linked) {
          out = linked.error();
        } else {
          took = !(*linked)->holds_for(reason);
          if (took) (*linked)->holds.push_back({reason, channel});
          out = transaction.state().seq;
          if (!channel.empty()) {
            const Seq joined = append_attendance(transaction, Kind::Joined, channel,
                                                 (*linked)->user, (*linked)->session);
            if (joined != 0) out = joined;
          }
        }
        transaction.when_durable(
            [this, connection, reason, took, shared, out](const Result<void>& durable) {
              // Whoever asked is refused, be it in the log or not: nothing stays taken for him.
              if (!durable && took) release_later(connection, reason);
              (*shared)(durable ? out : Result<Seq>(durable.error()));
            });
      });
  if (!accepted) (*shared)(stopped());
}

void Sessions::detach(ConnectionId connection, Ticket reason, std::string channel, Then then) {
  const auto shared = std::make_shared<Then>(std::move(then));
  const bool accepted = live_.submit([this, connection, reason, channel = std::move(channel),
                                      shared](Transaction& transaction) {
    Seq seq = 0;
    const auto it = links_.find(connection);
    if (it != links_.end()) {
      std::erase_if(it->second, [&](Linked& linked) {
        if (std::erase_if(linked.holds, [&](const Hold& h) { return h.reason == reason; }) == 0)
          return false;
        if (!channel.empty())
          seq = append_attendance(transaction, Kind::Left, channel, linked.user, linked.session);
        if (!linked.holds.empty()) return false;
        drop(transaction, connection, linked, Cause::Clean);
        return true;
      });
      if (it->second.empty()) links_.erase(it);
    }
    transaction.when_durable([shared, seq](const Result<void>&) { (*shared)(seq); });
  });
  if (accepted) return;
  release_later(connection, reason);
  (*shared)(Seq{0});
}

void Sessions::release_later(ConnectionId connection, Ticket reason) {
  const store::Lock guard(missed_mutex_);
  released_.push_back({connection, reason});
}

void Sessions::missed(ConnectionId connection, LinkEnd end) {
  const store::Lock guard(missed_mutex_);
  missed_.push_back({connection, end});
}

bool Sessions::Linked::holds_for(Ticket reason) const {
  return std::any_of(holds.begin(), holds.end(), [&](const Hold& h) { return h.reason == reason; });
}

void Sessions::gone(ConnectionId connection, LinkEnd end, std::vector<Attended> attended,
                    Then then) {
  const auto shared = std::make_shared<Then>(std::move(then));
  const auto list = std::make_shared<std::vector<Attended>>(std::move(attended));
  const bool accepted =
      live_.submit([this, connection, end, list, shared](Transaction& transaction) {
        Seq seq = 0;
        const auto it = links_.find(connection);
        const auto holds = [&](Ticket reason) {  // one that the log refused never came
          return it != links_.end() &&
                 std::any_of(it->second.begin(), it->second.end(),
                             [&](const Linked& linked) { return linked.holds_for(reason); });
        };
        for (const Attended& a : *list) {
          if (!holds(a.reason)) continue;
          if (const auto number = transaction.writer().vault().number_of(a.user))
            seq = append_attendance(transaction, Kind::Left, a.channel, *number, 0);
        }
        if (it != links_.end()) {
          for (Linked& linked : it->second) drop(transaction, connection, linked, cause_of(end));
          links_.erase(it);
        }
        transaction.when_durable([this, connection, end, shared, seq](const Result<void>& durable) {
          // The log opened anew may still hold the link: it is told again then.
          if (!durable) missed(connection, end);
          (*shared)(seq);
        });
      });
  if (accepted) return;
  missed(connection, end);
  (*shared)(Seq{0});
}

void Sessions::resume() {
  (void)live_.submit([this](Transaction& transaction) {
    *answers_ = {};  // what was deleted ahead of the disk may be there again
    reconcile(transaction);
  });
}

void Sessions::reconcile(Transaction& transaction) {
  std::vector<Missed> missed;
  std::vector<Released> released;
  {
    const store::Lock guard(missed_mutex_);
    missed.swap(missed_);
    released.swap(released_);
  }
  std::map<ConnectionId, Cause> ended;
  for (const Missed& m : missed) {
    ended[m.connection] = cause_of(m.end);
    links_.erase(m.connection);
  }
  for (const Released& r : released) {
    const auto it = links_.find(r.connection);
    if (it == links_.end()) continue;
    std::erase_if(it->second, [&](Linked& linked) {
      const auto gone =
          std::erase_if(linked.holds, [&](const Hold& h) { return h.reason == r.reason; });
      return gone != 0 && linked.holds.empty();
    });
    if (it->second.empty()) links_.erase(it);
  }
  // Now whatever the log holds of this process and links_ does not ends.
  std::map<std::pair<engine::UserNumber, std::uint64_t>, std::uint32_t> attending;
  for (const auto& [connection, list] : links_)
    for (const Linked& linked : list)
      for (const Hold& hold : linked.holds)
        if (!hold.channel.empty())
          if (const auto id = transaction.writer().view().channel_number(hold.channel))
            ++attending[{linked.user, *id}];
  const auto stands = [&](ConnectionId connection, Seq session) {
    const auto it = links_.find(connection);
    return it != links_.end() &&
           std::any_of(it->second.begin(), it->second.end(),
                       [&](const Linked& linked) { return linked.session == session; });
  };
  std::vector<Proposal> due;
  const engine::State& state = transaction.state();
  for (engine::UserNumber n = 1; n < state.users.size(); ++n) {
    for (const engine::Attendance& a : state.users[n].attendance) {
      if (a.node != transaction.node_epoch()) continue;
      const auto held = attending.find({n, a.channel});
      for (std::uint32_t i = held == attending.end() ? 0 : held->second; i < a.count; ++i) {
        Proposal left;
        left.kind = Kind::Left;
        left.number = n;
        engine::write_fields(left, engine::MemberFields{a.channel, a.node});
        due.push_back(left);
      }
    }
    for (const Seq id : state.users[n].sessions) {
      for (const engine::Link& link : state.sessions.at(id).links) {
        if (link.node != transaction.node_epoch() || stands(link.connection, id)) continue;
        const auto it = ended.find(link.connection);
        Proposal down;
        down.kind = Kind::LinkDown;
        down.cause = it == ended.end() ? Cause::Clean : it->second;
        down.number = n;
        down.session = id;
        engine::write_fields(down, engine::LinkFields{link.connection, link.node});
        due.push_back(down);
      }
    }
  }
  for (const Proposal& proposal : due) (void)transaction.append(proposal);
}

void Sessions::touch(ConnectionId connection) {
  (void)live_.submit([this, connection](Transaction& transaction) {
    const auto it = links_.find(connection);
    if (it == links_.end()) return;
    for (const Linked& linked : it->second)
      if (transaction.state().sessions.contains(linked.session))
        (void)transaction.touch(linked.session);
  });
}

void Sessions::hint_away(ConnectionId connection) {
  (void)live_.submit([this, connection](Transaction& transaction) {
    const auto it = links_.find(connection);
    if (it == links_.end()) return;
    for (const Linked& linked : it->second) {
      const auto session = transaction.state().sessions.find(linked.session);
      if (session == transaction.state().sessions.end() || session->second.away ||
          session->second.links.size() > 1)
        continue;
      Proposal hint;
      hint.kind = Kind::Inactivity;
      hint.cause = Cause::ClientHint;
      hint.number = linked.user;
      hint.session = linked.session;
      engine::write_fields(
          hint, engine::IdleFields{session->second.act_rev, session->second.last_activity_at});
      (void)transaction.append(hint);
    }
  });
}

Result<WriteReply> Sessions::perform(Transaction& transaction, const Write& w) {
  Proposal p;
  p.kind = w.kind;
  p.user = w.user;
  p.flags = w.flags;
  p.action = w.action;
  p.body = w.body;
  const std::string key = key_or_default(w.session);
  const auto known = transaction.writer().vault().number_of(w.user);
  if (w.kind == Kind::Login) {
    p.cause = Cause::Login;
    p.body.external_key = key;
  } else if (!known) {
    return Error{Errc::NotFound, fmt::format("there is no user '{}' (a login enrols one)", w.user)};
  } else if (w.kind == Kind::Logout) {
    p.cause = Cause::Logout;
    // Callers that name no session mean the user: C20.
    if (!w.all_sessions) {
      const auto session = transaction.writer().session_by_key(w.user, key);
      if (!session) return no_session(w);
      p.session = *session;
    } else if (transaction.state().users[*known].sessions.empty()) {
      return no_session(w);
    }
  } else if (!w.session.empty()) {
    // A session is never made by what happens in it (C19).
    const auto session = transaction.writer().session_by_key(w.user, key);
    if (!session) return no_session(w);
    p.session = *session;
  }
  if (w.kind == Kind::StatusSet || w.kind == Kind::StatusCleared) p.cause = Cause::User;
  if (w.kind == Kind::StatusSet) engine::write_fields(p, engine::StatusFields{w.until});
  WriteReply reply;
  if (known) {
    const engine::User& before = transaction.state().users[*known];
    reply.hid = before.state != before.visible;
  }
  reply.of_session = needs_session(w);
  if (is_touch(w)) {
    const Seq session =
        p.session != 0 ? p.session : engine::activity_session(transaction.state(), *known);
    if (session == 0) return no_session(w);
    const auto logged = transaction.touch(session);
    if (!logged) return logged.error();
    reply.outcome = *logged ? "applied" : "held";
    reply.seq = *logged ? transaction.state().seq : 0;
  } else {
    const auto written = transaction.append(p);
    if (!written) return written.error();
    reply.seq = written->seq;
    reply.outcome = std::string(engine::name_of(written->outcome));
  }
  const auto number = transaction.writer().vault().number_of(w.user);
  if (number) {
    const engine::User& user = transaction.state().users[*number];
    reply.presence = std::string(engine::name_of(user.state));
    reply.visible = std::string(engine::name_of(user.visible));
  }
  return reply;
}

void Sessions::write(Write write, std::function<void(const Result<WriteReply>&)> then) {
  const auto shared =
      std::make_shared<std::function<void(const Result<WriteReply>&)>>(std::move(then));
  const auto asked = std::make_shared<Write>(std::move(write));
  const bool accepted = live_.submit([this, asked, shared](Transaction& transaction) {
    const auto answer = [&]() -> Result<WriteReply> {
      const bool keyed = !asked->idempotency_key.empty();
      if (keyed) {
        const auto first = first_answer(transaction, *asked);
        if (!first) return first.error();
        if (*first) return told(*asked, **first);
      }
      auto reply = perform(transaction, *asked);
      if (reply && keyed) keep_answer(transaction, *asked, *reply);
      if (reply && asked->connection != 0) {
        if (const auto it = links_.find(asked->connection); it != links_.end())
          for (const Linked& linked : it->second)
            if (transaction.state().sessions.contains(linked.session))
              (void)transaction.touch(linked.session);
      }
      if (reply) return told(*asked, *reply);
      return reply;
    }();
    transaction.when_durable([shared, answer](const Result<void>& durable) {
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
  (void)live_.submit([this](Transaction& transaction) {
    const auto more = answers_->step(transaction, kSweepMost);
    transaction.when_durable([this, again = more && *more](const Result<void>& durable) {
      if (durable && again) sweep_answers();
    });
  });
}

void Sessions::terminate(std::string user) {
  (void)live_.submit([user = std::move(user)](Transaction& transaction) {
    const auto number = transaction.writer().vault().number_of(user);
    if (!number || transaction.state().users[*number].sessions.empty()) return;
    Proposal p;
    p.kind = Kind::Logout;
    p.cause = Cause::Revoked;
    p.number = *number;
    (void)transaction.append(p);
  });
}

}  // namespace rollcall::net::inline presence
