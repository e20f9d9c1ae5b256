// From attendance in the log to members in the hub.
#include "net/presence/played_members.h"

#include <boost/json.hpp>

#include <set>
#include <vector>

namespace rollcall::net::inline presence {

void PlayedMembers::in(const std::string& channel, engine::UserNumber user,
                       const store::ReadView& reading, engine::Seq seq) {
  const auto kind = channel_kind(channel);
  const auto name = reading.vault().name_of(user);
  if (!kind || !kind->presence || !name) return;  // forgotten since: nobody can say who it was
  if (!shown_[channel].emplace(user, *name).second) return;
  const std::string info = boost::json::serialize(boost::json::object{{"id", *name}});
  hub_.show_member(channel, *kind, {*name, info}, seq);
}

void PlayedMembers::out(const std::string& channel, engine::UserNumber user, engine::Seq seq) {
  const auto members = shown_.find(channel);
  if (members == shown_.end()) return;
  const auto member = members->second.find(user);
  if (member == members->second.end()) return;
  const std::string name = member->second;
  members->second.erase(member);
  if (members->second.empty()) shown_.erase(members);
  hub_.hide_member(channel, name, seq);
}

void PlayedMembers::place(const engine::State& state, const store::ReadView& reading) {
  std::map<std::string, std::set<engine::UserNumber>> now;
  for (engine::UserNumber user = 1; user < state.users.size(); ++user)
    for (const engine::Attendance& at : state.users[user].attendance)
      if (const auto channel = reading.channel_name(at.channel)) now[*channel].insert(user);
  std::vector<std::pair<std::string, engine::UserNumber>> gone;
  for (const auto& [channel, members] : shown_)
    for (const auto& [user, name] : members)
      if (const auto it = now.find(channel); it == now.end() || !it->second.contains(user))
        gone.emplace_back(channel, user);
  for (const auto& [channel, user] : gone) out(channel, user, state.seq);
  for (const auto& [channel, members] : now)
    for (const engine::UserNumber user : members) in(channel, user, reading, state.seq);
}

void PlayedMembers::apply(const store::Writer::Batch& batch, const store::ReadView& reading) {
  for (const engine::Effect& effect : batch.effects) {
    if (const auto* came = std::get_if<engine::MemberIn>(&effect.what)) {
      if (const auto channel = reading.channel_name(came->channel))
        in(*channel, effect.user, reading, effect.seq);
    } else if (const auto* left = std::get_if<engine::MemberOut>(&effect.what)) {
      if (const auto channel = reading.channel_name(left->channel))
        out(*channel, effect.user, effect.seq);
    }
  }
}

}  // namespace rollcall::net::inline presence
