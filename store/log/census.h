// How many events and texts each user has, and who is the target of whose events: the plan of
// forgetting shows these without reading the whole log again.
#pragma once

#include "engine/event_fields.h"
#include "store/log/event_log.h"

#include <map>
#include <vector>

namespace rollcall::store::inline log {

/// Somebody else's event about a person.
struct Mention {
  std::uint64_t seq = 0;
  UserNumber by = 0;
};

class Census {
 public:
  struct Count {
    std::uint64_t events = 0, bodies = 0;
  };
  using Mentions = std::map<UserNumber, std::vector<Mention>>;  ///< target → seq and author

  Census() = default;
  Census(std::vector<Count> counts, Mentions mentions)
      : counts_(std::move(counts)), mentions_(std::move(mentions)) {}

  void note(const Header& h) {
    if (h.user >= counts_.size()) counts_.resize(static_cast<std::size_t>(h.user) + 1);
    ++counts_[h.user].events;
    if (h.body_len != 0) ++counts_[h.user].bodies;
    if (h.kind != engine::Kind::Activity) return;
    const auto target = engine::activity_of(h).target_user();
    if (target && *target != h.user) mentions_[*target].push_back({h.seq, h.user});
  }
  [[nodiscard]] const std::vector<Count>& counts() const { return counts_; }  ///< by number
  [[nodiscard]] const Mentions& mentions() const { return mentions_; }
  [[nodiscard]] Count of(UserNumber user) const {
    return user < counts_.size() ? counts_[user] : Count{};
  }
  [[nodiscard]] std::vector<Mention> mentions_of(UserNumber user) const {
    const auto it = mentions_.find(user);
    return it == mentions_.end() ? std::vector<Mention>{} : it->second;
  }

 private:
  std::vector<Count> counts_;
  Mentions mentions_;
};

}  // namespace rollcall::store::inline log
