// A state rebuilt from effects and transitions alone, to hold against the reducer's own.
//
// Why this file exists: everybody outside the engine follows effects instead of headers. They can
// only be right if effects leave nothing out: this follows all of them and must end in the state.
#pragma once

#include "engine/reducer.h"

#include <map>
#include <set>
#include <string>

namespace rollcall::test {

class Mirror {
 public:
  void follow(const engine::Effects& effects, const std::vector<engine::Transition>& transitions) {
    for (const engine::Effect& effect : effects.list) take(effect);
    for (const engine::Transition& t : transitions) {
      Person& person = people_[t.user];
      person.state = t.to;
      person.visible = t.visible_to;
    }
  }

  /// The first thing that is not as in `state`; empty where all is.
  [[nodiscard]] std::string difference(const engine::State& state) const {
    for (engine::UserNumber n = 0; n < state.users.size(); ++n) {
      const auto found = people_.find(n);
      const Person person = found == people_.end() ? Person{} : found->second;
      const engine::User& user = state.users[n];
      const std::string who = "user " + std::to_string(n) + ": ";
      if (person.known != user.enrolled) return who + "known";
      if (person.forgotten != user.erased) return who + "forgotten";
      if (person.last_seen != user.last_seen) return who + "last seen";
      if (person.manual != user.manual) return who + "override";
      if (person.do_not_disturb != user.do_not_disturb) return who + "do not disturb";
      if (!user.erased && person.status != user.status_seq) return who + "status";
      if (n != 0 && (person.state != user.state || person.visible != user.visible))
        return who + "presence";
      std::set<std::uint64_t> channels;
      for (const engine::Attendance& a : user.attendance) channels.insert(a.channel);
      if (person.channels != channels) return who + "channels";
      std::set<engine::Seq> sessions(user.sessions.begin(), user.sessions.end());
      if (person.sessions != sessions) return who + "sessions";
    }
    if (sessions_.size() != state.sessions.size()) return "as many sessions";
    for (const auto& [id, session] : sessions_) {
      const engine::Session& real = state.sessions.at(id);
      const std::string which = "session " + std::to_string(id) + ": ";
      if (session.away != real.away) return which + "away";
      if (session.detached != real.detached) return which + "detached";
      if (session.reason != real.detached_reason) return which + "why it is detached";
      if (session.links != std::set<engine::Link>(real.links.begin(), real.links.end()))
        return which + "links";
    }
    return {};
  }

 private:
  struct Person {
    bool known = false, forgotten = false, do_not_disturb = false;
    engine::Override manual = engine::Override::None;
    engine::Seq status = 0;
    engine::Micros last_seen = 0;
    engine::Presence state = engine::Presence::Offline, visible = engine::Presence::Offline;
    std::set<engine::Seq> sessions;
    std::set<std::uint64_t> channels;
  };
  struct Session {
    bool away = false, detached = false;
    engine::Cause reason = engine::Cause::None;
    std::set<engine::Link> links;
  };

  void take(const engine::Effect& effect) {
    using namespace engine;
    Person& person = people_[effect.user];
    const auto session = [&](Seq id) -> Session& { return sessions_.at(id); };
    std::visit(Each{[&](const UserKnown&) { person.known = true; },
                    [&](const UserForgotten&) {
                      person.forgotten = true;
                      person.manual = Override::None;
                      person.do_not_disturb = false;
                    },
                    [&](const SessionOpened& e) {
                      person.sessions.insert(e.session);
                      sessions_[e.session] = {};
                    },
                    [&](const SessionClosed& e) {
                      person.sessions.erase(e.session);
                      sessions_.erase(e.session);
                    },
                    [&](const Linked& e) {
                      session(e.session).links.insert({e.node, e.connection});
                      if (!e.reattached) return;
                      session(e.session).detached = false;
                      session(e.session).reason = Cause::None;
                    },
                    [&](const Unlinked& e) {
                      session(e.session).links.erase({e.node, e.connection});
                    },
                    [&](const Detached& e) {
                      session(e.session).detached = true;
                      session(e.session).reason = e.reason;
                    },
                    [&](const Touched& e) { session(e.session).away = false; },
                    [&](const TurnedAway& e) { session(e.session).away = true; },
                    [&](const Seen& e) { person.last_seen = std::max(person.last_seen, e.at); },
                    [&](const Overridden& e) {
                      person.manual = e.manual;
                      person.do_not_disturb = e.do_not_disturb;
                      person.status = e.status;
                    },
                    [&](const MemberIn& e) { person.channels.insert(e.channel); },
                    [&](const MemberOut& e) { person.channels.erase(e.channel); }},
               effect.what);
  }

  std::map<engine::UserNumber, Person> people_;
  std::map<engine::Seq, Session> sessions_;
};

}  // namespace rollcall::test
