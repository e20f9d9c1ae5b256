// Attendance: each visit, or sums of them.
#include "replay/question/report.h"
#include "replay/room_stays.h"

#include <algorithm>
#include <set>
#include <tuple>

namespace rollcall::replay::inline question {
namespace {

using Row = AttendanceReport::Row;

/// What several visits come to.
struct Visits {
  Micros from = 0, to = 0, seconds = 0, unknown = 0;
  bool ended = true;
  std::uint64_t count = 0;

  void add(Micros begin, Micros end, Micros dark, bool has_ended) {
    from = count == 0 ? begin : std::min(from, begin);
    to = std::max(to, end);
    ended = ended && has_ended;
    seconds = engine::saturating_add(seconds, end - begin - dark);
    unknown = engine::saturating_add(unknown, dark);
    ++count;
  }
};

}  // namespace

Result<void> check(const AttendanceReport& q) {
  RC_TRY(check_report(q));
  if (q.room) RC_TRY(check_text("room", *q.room));
  return check_by(q.by, {"user", "day", "room"});
}

Result<AttendanceReport::Summary> answer(const Desk& desk, const AttendanceReport& q,
                                         const RowSink<Row>& row) {
  const Reader& reader = *desk.reader;
  const auto asked = asked_range(desk, q);
  if (!asked) return asked.error();
  RoomStays rooms(asked->range, asked->only);
  Unwatched unwatched;
  const auto gaps = read_range(reader, asked->range, RoomStays::wanted(), unwatched,
                               {[&](const engine::State& state) { rooms.begin(state); },
                                [&](const store::Fold::Step& step) { rooms.take(step); }},
                               desk.progress);
  if (!gaps) return gaps.error();
  auto stays = rooms.end();
  if (q.room)
    std::erase_if(stays,
                  [&](const RoomStay& s) { return reader.channel_text(s.channel) != *q.room; });

  AttendanceReport::Summary out;
  describe_range(*asked, *gaps, out);
  std::set<std::uint64_t> channels;
  std::set<UserNumber> users;
  const bool by_room = q.by.empty() || has(q.by, "room"),
             by_user = q.by.empty() || has(q.by, "user");
  const bool by_day = has(q.by, "day");
  using Key = std::tuple<std::uint64_t, UserNumber, std::int64_t>;
  std::map<Key, Visits> sums;
  std::uint64_t left = q.limit.value_or(~std::uint64_t{0});
  const auto put = [&](const Key& key, const Visits& v) {
    if (left == 0) return;
    const auto& [channel, user, day] = key;
    Row r;
    if (by_room) r.room = reader.channel_text(channel);
    if (by_user) {
      r.user = reader.user_text(user);
      r.number = user;
    }
    if (by_day) r.day = date_text(day);
    r.from = Moment{v.from};
    if (v.ended) r.to = Moment{v.to};
    r.seconds = {v.seconds};
    r.unknown_s = {v.unknown};
    r.visits = v.count;
    left = row(r) ? left - 1 : 0;
  };
  for (const RoomStay& s : stays) {
    channels.insert(s.channel);
    users.insert(s.user);
    ++out.visits;
    const Micros dark = unwatched.within(s.from, s.to);
    out.seconds.length = engine::saturating_add(out.seconds.length, s.to - s.from - dark);
    const Key whole{by_room ? s.channel : 0, by_user ? s.user : 0, 0};
    if (q.by.empty()) {
      Visits one;
      one.add(s.from, s.to, dark, s.ended);
      put(whole, one);
      continue;
    }
    for (Micros at = s.from; by_day;) {
      const Stretch day = day_at(asked->zone, at);
      const Micros to = std::min(s.to, day.to);
      Key key = whole;
      std::get<2>(key) = day.number;
      sums[key].add(at, to, unwatched.within(at, to), s.ended || to < s.to);
      at = to;
      if (at >= s.to) break;
    }
    if (!by_day) sums[whole].add(s.from, s.to, dark, s.ended);
  }
  for (const auto& [key, visits] : sums) put(key, visits);
  out.rooms = channels.size();
  out.users = users.size();
  return out;
}

}  // namespace rollcall::replay::inline question
