// What people, other nodes and operators do in the fault simulation, and what the model is told.
#include "engine/event_fields.h"
#include "tests/simulation/fault_life.h"
#include "tests/support/random_history.h"
#include "tests/support/stores.h"

#include <fmt/format.h>

#include <algorithm>

namespace rollcall::test {

using namespace store;
using engine::Cause;
using engine::Header;
using engine::Kind;

namespace {

constexpr std::uint32_t kOtherNode = 2;

}  // namespace

std::optional<engine::UserNumber> FaultLife::number_of(const std::string& name) const {
  const auto it = std::find(known_.names.begin(), known_.names.end(), name);
  if (it == known_.names.end()) return std::nullopt;
  return static_cast<engine::UserNumber>(it - known_.names.begin());
}

engine::Seq FaultLife::session_of(const std::string& name) {
  const auto number = number_of(name);
  if (!number) return 0;
  const auto open = known_.model.sessions_of(*number);
  return open.empty() ? 0 : open[below(open.size())];
}

/// Gives it to the writer and, apart from that, to the model; both must judge alike.
void FaultLife::propose(const Proposal& p, Micros at) {
  const auto written = writer_->stage(p, at);
  if (!written) throw std::runtime_error("refused: " + written.error().detail);
  Header h;
  h.kind = p.kind;
  h.cause = p.cause;
  h.flags = p.flags;
  h.session = p.session;
  engine::copy_fields(p, h);
  if (!p.user.empty()) {
    if (!number_of(p.user)) {
      Header enrolled;
      enrolled.kind = Kind::UserEnrolled;
      enrolled.user = static_cast<engine::UserNumber>(known_.names.size());
      known_.model.append(enrolled, at, story_);
      known_.names.push_back(p.user);
      bodies_[known_.model.last()].name = p.user;
    }
    h.user = *number_of(p.user);
  }
  if (p.kind == Kind::Activity && p.action.empty()) h.flags |= engine::flag::kTouch;
  if (!p.action.empty()) {
    auto& actions = known_.actions;
    auto it = std::find(actions.begin(), actions.end(), p.action);
    h.c = static_cast<std::uint64_t>(it - actions.begin());
    if (it == actions.end()) {
      Header named;
      named.kind = Kind::ActionNamed;
      named.a = h.c;
      known_.model.append(named, at, story_);
      actions.push_back(p.action);
      bodies_[known_.model.last()].name = p.action;
    }
  }
  // Tags are HMACs under keys of the vault: what they hide, the model cannot foresee.
  if (p.kind == Kind::Login || !p.body.target_type.empty()) h.a = written->header.a;
  if (p.kind == Kind::Login) h.b = written->header.b;
  const auto outcome = known_.model.append(h, at, story_);
  if (!p.body.empty()) bodies_[written->seq] = p.body;
  if (outcome != written->outcome)
    throw std::runtime_error(fmt::format("{} is {}, should be {}", engine::name_of(p.kind),
                                         engine::name_of(written->outcome),
                                         engine::name_of(outcome)));
  if (!chance(4)) return;
  const std::string key = fmt::format("{:06}", ++requests_);
  writer_->stage_meta("request/" + key, std::to_string(written->seq));
  unanswered_.push_back({key, written->seq});
}

/// A caller that got no answer asks again: what was answered once is not done twice.
void FaultLife::repeat_request() {
  if (answered_.empty()) return;
  ++tally_.repeats;
  const Request& request = answered_[below(answered_.size())];
  const auto found = writer_->log().meta("request/" + request.key).value();
  if (found != std::to_string(request.seq))
    throw std::runtime_error("request " + request.key + " would be done twice");
}

void FaultLife::session_deed(const std::string& name, Micros at) {
  const Seq session = session_of(name);
  const std::uint64_t what = below(100);
  if (what < 22) {
    Proposal p = login(name, "device-" + std::to_string(below(5)));
    p.body.address = "10.1.0." + std::to_string(below(9));
    if (chance(3)) p.body.external_key.clear();
    return propose(p, at);
  }
  if (what < 32) {
    Proposal p = about(Kind::Logout, name, chance(3) ? 0 : session, Cause::Logout);
    if (chance(5)) p.cause = Cause::Revoked;
    return propose(p, at);
  }
  if (what < 58) {
    Proposal p = about(Kind::Activity, name, chance(4) ? 0 : session);
    if (!chance(4)) p.action = "action-" + std::to_string(below(12));
    if (chance(2)) p.body.description = fmt::format("what {} did at {}", name, at);
    if (chance(4)) p.body.target_type = "order", p.body.target_id = std::to_string(below(50));
    engine::ActivityFields fields;
    if (chance(5)) fields.producer_no = 1 + below(40);
    if (chance(6)) fields.active_until = at - static_cast<Micros>(below(100 * kSecond));
    engine::write_fields(p, fields);
    return propose(p, at);
  }
  if (what < 82) {
    constexpr Cause kHow[] = {Cause::Clean, Cause::Abort, Cause::Timeout, Cause::Drain};
    const bool up = chance(2);
    Proposal p = about(up ? Kind::LinkUp : Kind::LinkDown, name, session);
    if (!up) p.cause = kHow[below(4)];
    const std::uint64_t other =
        engine::node_epoch(kOtherNode, other_epoch_);  // up, over or to come
    engine::write_fields(p, engine::LinkFields{1 + below(3), chance(4) ? other : node_epoch_});
    return propose(p, at);
  }
  if (what < 88) return propose(status(name, at), at);
  if (what < 90) return propose(about(Kind::StatusCleared, name, 0, Cause::User), at);
  if (what < 94) {
    Proposal p = about(Kind::Inactivity, name, session, Cause::ClientHint);
    engine::IdleFields fields;
    fields.producer_no = chance(2) ? 0 : 1 + below(40);
    engine::write_fields(p, fields);
    return propose(p, at);
  }
  join_or_leave(name, at);
}

Proposal FaultLife::status(const std::string& name, Micros at) {
  Proposal p = about(Kind::StatusSet, name, 0, Cause::User);
  p.flags = static_cast<std::uint16_t>(below(3) | (chance(3) ? engine::flag::kDoNotDisturb : 0));
  if (chance(2)) p.body.status_text = "back at " + std::to_string(below(24));
  engine::StatusFields fields;
  if (chance(2)) fields.until = at + static_cast<Micros>(below(900 * kSecond));
  engine::write_fields(p, fields);
  return p;
}

void FaultLife::join_or_leave(const std::string& name, Micros at) {
  const std::string channel = "presence-room." + std::to_string(below(4));
  const auto id = writer_->channel_id(channel, at).value().value();
  auto& channels = known_.channels;
  if (const auto it = std::find(channels.begin(), channels.end(), channel); it == channels.end()) {
    Header named;
    named.kind = Kind::ChannelNamed;
    named.a = channels.size();
    known_.model.append(named, at, story_);
    channels.push_back(channel);
    bodies_[known_.model.last()].name = channel;
  }
  Proposal p = about(chance(3) ? Kind::Left : Kind::Joined, name);
  engine::write_fields(p, engine::MemberFields{id, node_epoch_});
  propose(p, at);
}

/// A timer's conclusion that was on its way while something happened, or comes a second time.
void FaultLife::late_conclusion(Micros at) {
  const std::string name = somebody();
  const auto number = number_of(name);
  if (!number) return;
  Proposal p = about(Kind::Logout, name);
  const std::uint64_t what = below(4);
  if (const Seq session = session_of(name); session != 0) {
    const auto& s = known_.model.sessions().at(session);
    p.session = session;
    p.kind = what == 0 ? Kind::Inactivity : Kind::Logout;
    p.cause = what == 0 ? Cause::IdleTimeout : what == 1 ? Cause::GraceExpired : Cause::TtlExpired;
    p.a = (what == 1 ? s.det_rev : s.act_rev) - 1;
  } else {  // the session is over
    p.session = 1 + below(known_.model.last());
    p.cause = what < 2 ? Cause::GraceExpired : Cause::TtlExpired;
    p.a = 1;
  }
  if (what == 3) {
    p = about(Kind::StatusCleared, name, 0, Cause::Expired);
    p.b = known_.model.people()[*number].override_rev + 1;
  }
  propose(p, at);
}

void FaultLife::touch(Micros at) {
  const Seq session = session_of(somebody());
  if (session == 0) return;
  const Seq before = known_.model.last();
  known_.model.touch(session, at, story_);
  const bool only_held = known_.model.last() == before;
  if (planted_ == Planted::DroppedTouch && only_held && ++touches_ % 4 == 0) return;
  if (const auto done = writer_->stage_touch(session, at); !done)
    throw std::runtime_error("a touch is refused: " + done.error().detail);
}

/// Another node of a cluster comes, or goes and says how; now and then what it says is old.
void FaultLife::other_node(Micros at) {
  Proposal p;
  p.kind = chance(2) ? Kind::NodeUp : Kind::NodeDown;
  if (p.kind == Kind::NodeUp && !chance(4)) ++other_epoch_;
  if (p.kind == Kind::NodeDown) p.cause = chance(2) ? Cause::Drain : Cause::Crash;
  engine::write_fields(
      p, engine::NodeFields{
             engine::node_epoch(kOtherNode, std::max<std::uint64_t>(1, other_epoch_)), 0});
  propose(p, at);
}

void FaultLife::set_policy(Micros at) {
  engine::Policy policy;
  policy.idle_after_ms = static_cast<std::uint32_t>(60'000 + below(600'000));
  policy.ttl_s = chance(5) ? 0 : static_cast<std::uint32_t>(600 + below(9000));
  policy.grace_abort_s = static_cast<std::uint16_t>(1 + below(60));
  policy.sessions_max = static_cast<std::uint32_t>(2 + below(4));
  Proposal p;
  p.kind = Kind::PolicySet;
  engine::write_fields(p, engine::PolicyFields(policy));
  propose(p, at);
}

/// What is refused leaves nothing behind.
void FaultLife::refused_deed(Micros at) {
  Proposal p = login(chance(2) ? std::string(300, 'x') : std::string("a\nb"), "device");
  if (chance(3)) p = login(somebody(), "device"), p.body.agent = "\xFF";
  if (writer_->stage(p, at)) throw std::runtime_error("what cannot be is taken");
}

void FaultLife::deed(Micros at) {
  const std::uint64_t what = below(1000);
  if (what < 640) return session_deed(somebody(), at);
  if (what < 780) return touch(at);
  if (what < 830) return late_conclusion(at);
  if (what < 840) return other_node(at);
  if (what < 846) return set_policy(at);
  if (what < 870) return repeat_request();
  if (what < 880) return refused_deed(at);
  // A timer's thread wakes up; or it does not, and the next event brings what was due.
  constexpr Micros kEarly = kSecond;
  writer_->conclude(planted_ == Planted::EarlyTimer ? at + kEarly : at);
  known_.model.conclude(at, story_);
}

}  // namespace rollcall::test
