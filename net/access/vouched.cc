// Two maps, one the other way round.
#include "net/access/vouched.h"

#include <algorithm>
#include <utility>

namespace rollcall::net::inline access {

void Vouched::add(ConnectionId connection, const Voucher& voucher) {
  const store::Lock guard(mutex_);
  Shown what{voucher.name, voucher.token, voucher.sign_in};
  // No name has a line feed: a JWT's end is told apart behind it.
  if (!voucher.revocable()) what.name += "\n" + std::to_string(voucher.until);
  const auto [it, first] = shown_.try_emplace(what);
  Resting& resting = it->second;
  if (first)
    resting.until = voucher.until;
  else
    resting.until =
        resting.until == 0 || voucher.until == 0 ? 0 : std::max(resting.until, voucher.until);
  resting.connections.insert(connection);
  by_connection_[connection].insert(std::move(what));
  count_ = by_connection_.size();
}

void Vouched::forget(ConnectionId connection) {
  if (empty()) return;
  const store::Lock guard(mutex_);
  drop(connection);
}

void Vouched::drop(ConnectionId connection) {
  const auto it = by_connection_.find(connection);
  if (it == by_connection_.end()) return;
  for (const Shown& what : it->second) {
    const auto resting = shown_.find(what);
    resting->second.connections.erase(connection);
    if (resting->second.connections.empty()) shown_.erase(resting);
  }
  by_connection_.erase(it);
  count_ = by_connection_.size();
}

std::vector<Vouched::Ended> Vouched::take_ended(const std::function<bool(const Voucher&)>& holds) {
  std::vector<std::pair<Shown, Voucher>> over;
  {
    const store::Lock guard(mutex_);
    for (const auto& [what, resting] : shown_)
      over.push_back(
          {what,
           {what.name.substr(0, what.name.find('\n')), what.token, what.sign_in, resting.until}});
  }
  // Asked without the lock: an answer may look at the disk.
  std::erase_if(over, [&](const auto& shown) { return holds(shown.second); });
  std::vector<Ended> out;
  const store::Lock guard(mutex_);
  for (const auto& [what, voucher] : over) {
    const auto it = shown_.find(what);
    // Shown again meanwhile, for longer: it holds.
    if (it == shown_.end() || it->second.until != voucher.until) continue;
    const std::set<ConnectionId> connections = it->second.connections;
    for (const ConnectionId id : connections) {
      out.push_back({id, voucher.revocable()});
      drop(id);
    }
  }
  return out;
}

}  // namespace rollcall::net::inline access
