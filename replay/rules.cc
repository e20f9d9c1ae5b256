// The table, and one function a table of docs/presence.md.
#include "replay/rules.h"

#include <algorithm>
#include <array>

namespace rollcall::replay {
namespace {

using engine::Cause;
using engine::Header;
using engine::Kind;
using engine::Outcome;
using engine::Override;
using engine::Presence;
using engine::State;

constexpr std::array kRules = std::to_array<Rule>({
    {"S01", "a login opens a session, and an open session with activity makes its user Online"},
    {"S02", "a login with the key of an open session is a duplicate and changes nothing"},
    {"S03", "activity keeps a session on"},
    {"S04", "activity turns a session on that was away"},
    {"S05", "what is numbered by its sender and not newer than what counted changes nothing"},
    {"S06", "activity of a session that is not open changes nothing"},
    {"S07", "a session without activity for as long as idle_after turns away"},
    {"S08", "inactivity that was concluded before a later activity changes nothing"},
    {"S09", "inactivity of a session that is away changes nothing"},
    {"S10", "a session whose client says that nobody is at it turns away"},
    {"S11", "a logout closes the session at once"},
    {"S12", "a logout of a session that is not open changes nothing"},
    {"S13", "a new connection is a link of its session; a grace that runs ends"},
    {"S14", "a connection that the session has already changes nothing"},
    {"S15", "what a node's ended process says of links changes nothing"},
    {"S16", "a connection that ends while the session has others changes nothing else"},
    {"S17", "a session that loses its last connection stays open while its grace runs"},
    {"S18", "the end of a connection that the session does not have changes nothing"},
    {"S19", "a session without a connection is closed when its grace has run out"},
    {"S20", "a grace that ended because a connection came back closes nothing"},
    {"S21", "activity of a session without a connection turns it on and begins its grace anew"},
    {"S22",
     "a session without a connection and without activity for as long as idle_after turns "
     "away, and its grace runs on"},
    {"S23",
     "a session that never had a connection is closed when nothing was done in it for its "
     "time to live"},
    {"S24",
     "a session that has had a connection, or was active since, has no time to live that "
     "ran out"},
    {"S25",
     "a node that goes down takes its connections; a session left without any stays open "
     "while its grace runs"},
    {"S26", "a node that comes up in a new process takes the connections of the one before"},
    {"S28", "an event that names a session of somebody else changes nothing"},
    {"S29", "a connection or inactivity of a session that is not open changes nothing"},
    {"S30", "what comes late about a node's ended process changes nothing"},
    {"S31",
     "limits, signs of life and steps of the clock leave sessions as they are; a step "
     "ahead moves what is due"},
    {"U01", "who says Away by hand is Away for as long as a session is open"},
    {"U02", "a status set by hand stays: activity does not end it"},
    {"U03",
     "a status set by hand stays: activity does not end it, also where the session was "
     "away"},
    {"U04", "when the status Away is cleared, a session with activity makes its user Online"},
    {"U05",
     "when the status is cleared and no session has activity, its user stays as the "
     "sessions are"},
    {"U06", "a status set while Offline is kept for the next login"},
    {"U07", "who logs in with the status Away is Away at once"},
    {"U08", "who says invisible is shown Offline to others, and stays as the sessions are"},
    {"U09", "who is invisible goes Offline unseen"},
    {"U10", "when the status invisible is cleared, others see its user as the sessions are"},
    {"U11", "a status with an end is cleared then"},
    {"U12", "the end of a status that was set anew since changes nothing"},
    {"U13", "do-not-disturb and texts are beside the state and do not change it"},
    {"U14",
     "when the last session is closed its user is Offline; the status is kept for the next "
     "login"},
    {"M01", "who joins a logged channel is its member from the first connection on"},
    {"M02", "who leaves a logged channel is its member until the last connection"},
    {"C01", "when a session with activity is closed and others are away, its user is Away"},
    {"C02", "a login beside sessions that are away makes its user Online"},
    {"C11", "where a user has too many sessions, a login closes the least recently active"},
    {"C12", "a logout that names no session closes all of them at once"},
    {"C15",
     "at a restart graces begin anew and what is due moves by the time in which nobody "
     "watched"},
    {"C21", "who is forgotten has no session and no membership any more"},
});

}  // namespace

std::span<const Rule> rules() { return kRules; }

const Rule* find_rule(std::string_view number) {
  const auto* found = std::find_if(kRules.begin(), kRules.end(),
                                   [&](const Rule& rule) { return rule.number == number; });
  return found == kRules.end() ? nullptr : found;
}

void RuleFinder::before(const State& state, const Header& e) {
  *this = RuleFinder(user_);
  const engine::User* user = state.find(user_);
  if (user == nullptr) return;
  erased_ = user->erased;
  derived_ = user->derived;
  manual_ = user->manual;
  sessions_ = user->sessions.size();
  const bool of_one = e.session == 0 && e.kind == Kind::Activity;
  const auto it = state.sessions.find(of_one ? engine::activity_session(state, user_) : e.session);
  if (it == state.sessions.end() || it->second.user != user_) return;
  open_ = true;
  away_ = it->second.away;
  detached_ = it->second.detached;
  links_ = it->second.links.size();
}

std::string_view RuleFinder::own(const State& state, const Header& e, Outcome outcome) const {
  const bool by_grace = e.cause == Cause::GraceExpired, by_ttl = e.cause == Cause::TtlExpired;
  if (outcome == Outcome::WrongUser) return "S28";
  switch (e.kind) {
    case Kind::Login:
      return outcome == Outcome::Duplicate ? "S02" : "S01";
    case Kind::Logout:
      if (outcome == Outcome::UnknownSession) return "S12";
      if (outcome == Outcome::BadBasis) return by_ttl ? "S24" : "S20";
      return by_grace ? "S19" : by_ttl ? "S23" : e.cause == Cause::Superseded ? "C11" : "S11";
    case Kind::Activity:
      if (outcome == Outcome::Stale) return "S05";
      if (outcome == Outcome::UnknownSession) return "S06";
      if (!open_) return {};  // it names nobody's session, and there is none
      return detached_ ? "S21" : away_ ? "S04" : "S03";
    case Kind::Inactivity:
      if (outcome == Outcome::UnknownSession) return "S29";
      if (outcome == Outcome::Same) return "S09";
      if (outcome == Outcome::BadBasis) return "S08";
      if (outcome == Outcome::Stale) return "S05";
      return e.cause == Cause::ClientHint ? "S10" : detached_ ? "S22" : "S07";
    case Kind::LinkUp:
    case Kind::LinkDown:
      if (outcome == Outcome::UnknownSession) return "S29";
      if (outcome == Outcome::BadEpoch) return "S15";
      if (outcome == Outcome::Duplicate) return e.kind == Kind::LinkUp ? "S14" : "S18";
      if (e.kind == Kind::LinkUp) return "S13";
      return links_ > 1 ? "S16" : "S17";
    case Kind::NodeDown:
    case Kind::NodeUp:
      if (outcome == Outcome::BadEpoch) return "S30";
      return e.kind == Kind::NodeUp ? "S26" : "S25";
    case Kind::PolicySet:
    case Kind::AliveMark:
    case Kind::ClockStep:
      return "S31";
    case Kind::StatusSet: {
      const Override set = state.users[user_].manual;
      if (set == Override::Away) return derived_ == Presence::Offline ? "U06" : "U01";
      if (set == Override::Invisible) return "U08";
      if (manual_ == Override::Invisible) return "U10";
      if (manual_ == Override::Away) return derived_ == Presence::Online ? "U04" : "U05";
      return "U13";
    }
    case Kind::StatusCleared:
      if (outcome == Outcome::BadBasis) return "U12";
      if (e.cause == Cause::Expired) return "U11";
      if (manual_ == Override::Invisible) return "U10";
      if (manual_ == Override::Away && derived_ == Presence::Online) return "U04";
      return "U05";
    case Kind::Joined:
      return "M01";
    case Kind::Left:
      return "M02";
    case Kind::UserErased:
      return "C21";
    default:
      return {};
  }
}

std::string_view RuleFinder::of_state(const State& state, const Header& e, Outcome outcome) const {
  if (outcome != Outcome::Applied) return {};
  const Presence derived = state.users[user_].derived;
  const bool gone = derived == Presence::Offline && derived_ != Presence::Offline;
  switch (e.kind) {
    case Kind::Login:
      if (derived_ == Presence::Offline && manual_ == Override::Away) return "U07";
      return derived_ == Presence::Away ? "C02" : std::string_view();
    case Kind::Activity:
      if (manual_ != Override::Away || !open_) return {};
      return derived_ == Presence::Online ? "U02" : "U03";
    case Kind::Logout:
      if (gone && manual_ == Override::Away) return "U14";
      if (gone && manual_ == Override::Invisible) return "U09";
      if (derived_ == Presence::Online && derived == Presence::Away) return "C01";
      return e.session == 0 && sessions_ > 1 ? "C12" : std::string_view();
    default:
      return {};
  }
}

RulesMet RuleFinder::after(const State& state, const Header& e, Outcome outcome) const {
  if (state.find(user_) == nullptr) return {};
  if (erased_ && outcome == Outcome::UnknownUser) return {find_rule("C21"), nullptr};
  if (outcome == Outcome::UnknownUser) return {};
  return {find_rule(own(state, e, outcome)), find_rule(of_state(state, e, outcome))};
}

}  // namespace rollcall::replay
