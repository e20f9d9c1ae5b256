// Sums of presence as rows.
#include "replay/presence_sums.h"
#include "replay/question/report.h"

#include <map>

namespace rollcall::replay::inline question {
namespace {

using Cell = PresenceSums::Cell;

/// The days of many people in one, or of one person.
struct Total {
  Micros online = 0, away = 0, unknown = 0;
  Micros first_seen = std::numeric_limits<Micros>::max();
  Micros last_seen = std::numeric_limits<Micros>::min();
  std::uint64_t users = 0, sessions = 0;

  /// A million people reach the end of the numbers in a few hundred years of presence.
  void add(const Cell& c) {
    online = engine::saturating_add(online, c.online);
    away = engine::saturating_add(away, c.away);
    unknown = engine::saturating_add(unknown, c.unknown);
    first_seen = std::min(first_seen, c.first_seen);
    last_seen = std::max(last_seen, c.last_seen);
    sessions += c.sessions;
    ++users;
  }
};

template <class Sums>
void fill(const Sums& sums, PresenceReport::Row& out) {
  out.online_s = {sums.online};
  out.away_s = {sums.away};
  out.unknown_s = {sums.unknown};
  out.sessions = sums.sessions;
  if (sums.first_seen > sums.last_seen) return;
  out.first_seen = Moment{sums.first_seen};
  out.last_seen = Moment{sums.last_seen};
}

}  // namespace

Result<void> check(const PresenceReport& q) {
  RC_TRY(check_report(q));
  return check_by(q.by, {"user", "day"});
}

Result<PresenceReport::Summary> answer(const Desk& desk, const PresenceReport& q,
                                       const RowSink<PresenceReport::Row>& row) {
  auto asked = asked_range(desk, q);
  if (!asked) return asked.error();
  const bool by_day = has(q.by, "day"), by_user = !by_day || has(q.by, "user");
  Unwatched unwatched;
  PresenceSums sums(asked->range, by_day ? &asked->zone : nullptr, std::move(asked->only),
                    unwatched);
  const auto gaps = read_range(*desk.reader, asked->range, PresenceSums::wanted(), unwatched,
                               {[&](const engine::State& state) { sums.begin(state); },
                                [&](const store::Fold::Step& step) { sums.take(step); },
                                [&](UserNumber user) { sums.expect(user); }},
                               desk.progress);
  if (!gaps) return gaps.error();
  sums.end();
  std::uint64_t left = q.limit.value_or(~std::uint64_t{0});
  Total all;
  std::map<std::int64_t, Total> days;
  for (UserNumber user = 1; user < sums.users(); ++user) {
    const auto& cells = sums.of(user);
    if (cells.empty()) continue;
    PresenceReport::Row r;
    if (by_user && left != 0) {
      r.user = desk.reader->user_text(user);
      r.number = user;
    }
    for (const Cell* cell : cells) {
      all.add(*cell);
      if (!by_user) days[cell->day].add(*cell);
      if (!by_user || left == 0) continue;
      if (by_day) r.day = date_text(cell->day);
      r.first_seen = r.last_seen = std::nullopt;
      fill(*cell, r);
      left = row(r) ? left - 1 : 0;
    }
    all.users -= cells.size() - 1;
  }
  for (const auto& [day, total] : days) {
    if (left == 0) break;
    PresenceReport::Row r;
    r.day = date_text(day);
    r.users = total.users;
    fill(total, r);
    left = row(r) ? left - 1 : 0;
  }
  PresenceReport::Summary out;
  describe_range(*asked, *gaps, out);
  out.users = all.users;
  out.online_s = {all.online};
  out.away_s = {all.away};
  out.unknown_s = {all.unknown};
  return out;
}

}  // namespace rollcall::replay::inline question
