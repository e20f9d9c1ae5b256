// Histories and their facts.
#include "tests/support/facts.h"

#include "replay/timeline.h"

#include <algorithm>
#include <limits>
#include <map>

namespace rollcall::test {

using engine::Micros;
using engine::Presence;
using engine::UserNumber;

std::shared_ptr<store::Writer> make_days(const MemoryStore& home, std::mt19937_64& rng,
                                         Micros start) {
  std::shared_ptr<store::Writer> w = home.create();
  Micros now = start;
  std::uint64_t node = w->stage_restart(1, now);
  for (int i = 0; i < 220; ++i) {
    now += static_cast<Micros>(below(
        rng, static_cast<std::uint64_t>(below(rng, 5) == 0 ? 7 * 3600 * kSecond : 200 * kSecond)));
    now = std::max(now, w->state().at);
    const auto offset = w->state().clock_offset;
    do_something(*w, node, rng, now);
    if (below(rng, 40) == 0) node = w->stage_restart(1, now += 2 * 3600 * kSecond);
    now += std::max<Micros>(0, w->state().clock_offset - offset);
    if (i % 20 == 0) w->commit(store::Durable::No).value();
  }
  w->commit(store::Durable::No).value();
  return w;
}

Micros overlap(const Interval& a, const Interval& b) {
  return std::max<Micros>(0, std::min(a.second, b.second) - std::max(a.first, b.first));
}
Micros overlap(const Interval& a, const std::vector<Interval>& list) {
  Micros out = 0;
  for (const auto& b : list) out += overlap(a, b);
  return out;
}

Facts facts_of(const replay::Reader& reader, engine::Seq last, Micros to) {
  constexpr Micros kNever = std::numeric_limits<Micros>::max();
  Facts out;
  std::map<UserNumber, std::pair<Presence, Micros>> is;
  store::Fold fold;
  fold.follow(reader.log(), last, engine::Effects::only<engine::Seen>(),
              [&](const store::Fold::Step& step) {
                for (const auto& t : step.transitions) {
                  const auto it = is.find(t.user);
                  if (it != is.end() && it->second.first != Presence::Offline)
                    out.spans.push_back(
                        {t.user, it->second.first, {it->second.second, step.header.at}});
                  is[t.user] = {t.to, step.header.at};
                }
                for (const auto& e : step.effects)
                  if (const auto* seen = std::get_if<engine::Seen>(&e.what))
                    out.seen.emplace_back(e.user, seen->at);
              })
      .value();
  for (const auto& [user, now] : is)
    if (now.first != Presence::Offline)
      out.spans.push_back({user, now.first, {now.second, kNever}});
  out.stays = replay::stays(reader.log(), last).value();
  const Micros begins = reader.log().header(1).value()->at;
  const Micros ends = reader.log().header(reader.last()).value()->at;
  out.dark = replay::unwatched_in(replay::coverage_gaps(reader).value(), ends, begins - 1,
                                  std::max(to, ends));
  return out;
}

}  // namespace rollcall::test
