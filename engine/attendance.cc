// Counting connections a channel, node and epoch.
#include "engine/attendance.h"

#include <algorithm>

namespace rollcall::engine {
namespace {

auto place_of(std::vector<Attendance>& list, const MemberFields& at) {
  return std::lower_bound(list.begin(), list.end(), at,
                          [](const Attendance& x, const MemberFields& y) {
                            return x.channel != y.channel ? x.channel < y.channel : x.node < y.node;
                          });
}

bool in_channel(const std::vector<Attendance>& list, std::uint64_t channel) {
  const auto it =
      std::lower_bound(list.begin(), list.end(), channel,
                       [](const Attendance& x, std::uint64_t c) { return x.channel < c; });
  return it != list.end() && it->channel == channel;
}

}  // namespace

NodeChange change_of_node(const Header& e, const std::map<std::uint32_t, std::uint64_t>& open,
                          const std::map<std::uint32_t, std::uint64_t>& closed) {
  const std::uint64_t word = node_change_of(e).node;
  const std::uint32_t node = node_of(word);
  const std::uint64_t epoch = epoch_of(word);
  const auto ended = closed.find(node);
  if (ended != closed.end() && epoch <= ended->second) return {};  // S30
  if (e.kind == Kind::NodeDown) return {true, EndedEpochs{node, epoch}};
  const auto up = open.find(node);
  if (up != open.end() && epoch <= up->second) return {};
  if (epoch == 0) return {true, std::nullopt};
  return {true, EndedEpochs{node, epoch - 1}};
}

void join(std::vector<Attendance>& list, const Header& e, const Emit& emit) {
  const auto fields = member_of(e);
  const auto it = place_of(list, fields);
  if (it != list.end() && it->channel == fields.channel && it->node == fields.node) {
    ++it->count;
    return;
  }
  const bool first = !in_channel(list, fields.channel);
  list.insert(it, Attendance{fields.channel, fields.node, 1});
  if (first) emit(e.user, MemberIn{fields.channel});
}

bool leave(std::vector<Attendance>& list, const Header& e, const Emit& emit) {
  const auto fields = member_of(e);
  const auto it = place_of(list, fields);
  if (it == list.end() || it->channel != fields.channel || it->node != fields.node) return false;
  if (--it->count != 0) return true;
  list.erase(it);
  if (!in_channel(list, fields.channel)) emit(e.user, MemberOut{fields.channel});
  return true;
}

bool end_epochs(std::vector<Attendance>& list, UserNumber user, const EndedEpochs& ended,
                const Emit& emit) {
  std::vector<std::uint64_t> left;
  std::erase_if(list, [&](const Attendance& a) {
    if (node_of(a.node) != ended.node || epoch_of(a.node) > ended.upto) return false;
    left.push_back(a.channel);
    return true;
  });
  left.erase(std::unique(left.begin(), left.end()), left.end());  // sorted, as the list is
  for (const std::uint64_t channel : left)
    if (!in_channel(list, channel)) emit(user, MemberOut{channel});
  return !left.empty();
}

void leave_all(std::vector<Attendance>& list, UserNumber user, const Emit& emit) {
  std::uint64_t last = 0;
  for (bool first = true; const Attendance& a : list) {
    if (first || a.channel != last) emit(user, MemberOut{a.channel});
    first = false;
    last = a.channel;
  }
  list.clear();
}

void Members::apply(const Header& e, Effects& out) {
  if (e.kind == Kind::UserEnrolled && e.user == users_) ++users_;
  if (e.user >= users_ || forgotten_.contains(e.user)) return;
  const Emit emit(&out, e);
  switch (e.kind) {
    case Kind::Joined:
      join(lists_[e.user], e, emit);
      break;
    case Kind::Left:
    case Kind::UserErased: {
      if (e.kind == Kind::UserErased) {
        forgotten_.insert(e.user);
        emit(e.user, UserForgotten{});
      }
      const auto it = lists_.find(e.user);
      if (it == lists_.end()) break;
      if (e.kind == Kind::Left)
        leave(it->second, e, emit);
      else
        leave_all(it->second, e.user, emit);
      if (it->second.empty()) lists_.erase(it);
      break;
    }
    case Kind::NodeUp:
    case Kind::NodeDown: {
      const NodeChange change = change_of_node(e, open_, closed_);
      if (!change.valid) break;
      if (change.ended)
        for (auto it = lists_.begin(); it != lists_.end();) {
          // Number 0 is no person: the reducer passes it over, too.
          if (it->first != 0) end_epochs(it->second, it->first, *change.ended, emit);
          it = it->second.empty() ? lists_.erase(it) : std::next(it);
        }
      const std::uint64_t word = node_change_of(e).node;
      (e.kind == Kind::NodeUp ? open_ : closed_)[node_of(word)] = epoch_of(word);
      break;
    }
    default:
      break;
  }
}

}  // namespace rollcall::engine
