// From names and moments to the replay, and its report to rows.
#include "replay/question/whatif.h"

#include "replay/policy_setting.h"
#include "replay/question/store.h"
#include "replay/whatif.h"

#include <algorithm>
#include <limits>

namespace rollcall::replay::inline question {

Result<void> check(const WhatIfQuestion& q) {
  engine::Policy tried;
  for (const auto& setting : q.set) RC_TRY(set_policy(tried, setting));
  if (q.without) RC_TRY(check_whose({{*q.without}, {}}));
  RC_TRY(check_moment("at", q.at));
  RC_TRY(check_moment("from", q.from));
  RC_TRY(check_moment("to", q.to));
  if (q.lose_node &&
      (*q.lose_node == 0 || *q.lose_node > std::numeric_limits<std::uint32_t>::max()))
    return Error{Errc::BadInput, "lose_node is the number of a node"};
  if (q.lose_node && !q.at)
    return Error{Errc::BadInput, "lose_node needs the moment at which it is lost: at"};
  if (q.set.empty() && !q.without && !q.lose_node && q.at)
    return Error{Errc::BadInput, "say what is to be different: set, without or lose_node"};
  return {};
}

Result<WhatIfQuestion::Summary> answer(const Desk& desk, const WhatIfQuestion& q,
                                       const RowSink<WhatIfQuestion::Row>& row) {
  const Reader& reader = *desk.reader;
  WhatIf asked;
  const auto bounds = bounds_of(desk, q.from, q.to);
  if (!bounds) return bounds.error();
  asked.before = bounds->before;
  asked.last = bounds->last;
  asked.change = [&q](engine::Policy& policy) {
    for (const auto& setting : q.set) (void)set_policy(policy, setting);
  };
  asked.changes_sessions_max = std::any_of(q.set.begin(), q.set.end(), [](const std::string& s) {
    return s.starts_with("sessions_max");
  });
  if (q.without) {
    const auto user = reader.find_user(*q.without);
    if (!user) return user.error();
    asked.without = *user;
  }
  const auto moment = as_of(reader, q.at.value_or(""), desk.now, desk.watched);
  if (!moment) return moment.error();
  WhatIfQuestion::Summary out;
  out.coverage = coverage_of(*moment);
  out.gaps = rows_of(moment->gaps);
  if (q.at) asked.at = asked.lose_at = moment->at;
  if (q.lose_node) asked.lose_node = static_cast<std::uint32_t>(*q.lose_node);
  const auto made = what_if(reader, asked, desk.progress);
  if (!made) return made.error();
  const auto policy = summary_of(made->policy);
  out.idle_after_s = policy.idle_after_s;
  out.ttl_s = policy.ttl_s;
  out.grace_clean_s = policy.grace_clean_s;
  out.grace_abort_s = policy.grace_abort_s;
  out.grace_node_s = policy.grace_node_s;
  out.grace_drain_s = policy.grace_drain_s;
  out.sessions_max = policy.sessions_max;
  constexpr std::uint32_t kExactFromMs = 120'000;
  out.coarse = made->policy.idle_after_ms < kExactFromMs;
  for (const auto& [edge, counts] : made->transitions)
    out.transitions.push_back({std::string(engine::name_of(edge.first)),
                               std::string(engine::name_of(edge.second)), counts.actual,
                               counts.what_if});
  const auto lengths = [](const Both<Micros>& both) {
    return WhatIfQuestion::Lengths{{both.actual}, {both.what_if}};
  };
  out.online_s = lengths(made->online);
  out.away_s = lengths(made->away);
  out.peak = {made->peak.actual, made->peak.what_if};
  if (q.at) {
    const auto& away = made->away_at;
    out.away_at = WhatIfQuestion::Counts{away.actual.size(), away.what_if.size()};
    constexpr std::size_t kNamesMost = 1000;
    for (const UserNumber n : away.what_if)
      if (!std::binary_search(away.actual.begin(), away.actual.end(), n) &&
          out.only_away.size() < kNamesMost)
        out.only_away.push_back(reader.user_text(n));
  }
  out.same = made->same;
  out.actual_only = made->actual_only;
  out.what_if_only = made->what_if_only;
  for (UserNumber n = 1; n < made->users.size(); ++n) {
    const auto& user = made->users[n];
    if (user.online.actual == user.online.what_if && user.away.actual == user.away.what_if)
      continue;
    if (!row({reader.user_text(n), n, lengths(user.online), lengths(user.away)})) break;
  }
  return out;
}

}  // namespace rollcall::replay::inline question
