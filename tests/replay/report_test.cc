// Hours by people and days against the same sums by a plain fold written apart: all spans of
// everybody in lists, cut at days that are walked one by one, and compared to the microsecond.
#include "replay/import.h"
#include "replay/policy_setting.h"
#include "store/log/event_clock.h"
#include "tests/support/asked.h"
#include "tests/support/facts.h"

#include <catch2/catch.hpp>

#include <map>

using namespace rollcall;
using namespace rollcall::replay;
using engine::Presence;
using test::asked;
using test::below;
using test::Facts;
using test::facts_of;
using test::Interval;
using test::kSecond;
using test::overlap;

namespace {

constexpr Micros kHour = 3600 * kSecond, kDay = 24 * kHour;

Micros at(std::string_view text) { return parse_rfc3339(text).value(); }

struct Cell {
  Micros online = 0, away = 0, unknown = 0, first = 0, last = 0;
  std::uint64_t sessions = 0;
  bool operator==(const Cell&) const = default;
};

/// One person on [from, to); the day ends at `day_to`, which may be later.
Cell cell_of(const Facts& facts, UserNumber user, Interval day, Interval range) {
  Cell out;
  const Interval part{std::max(day.first, range.first), std::min(day.second, range.second)};
  for (const auto& s : facts.spans) {
    if (s.user != user) continue;
    const Interval time{std::max(s.time.first, part.first), std::min(s.time.second, part.second)};
    if (time.first >= time.second) continue;
    const Micros dark = overlap(time, facts.dark);
    out.unknown += dark;
    (s.state == Presence::Online ? out.online : out.away) += time.second - time.first - dark;
  }
  // A session counts on a day if it was open at any of its moments, the one that closed it
  // included; the last event of all may lie at the range's very end.
  const Micros stop = std::min(day.second, range.second + 1);
  for (const auto& s : facts.stays)
    if (s.user == user && s.from < stop && (s.logout == 0 || s.to >= part.first)) ++out.sessions;
  return out;
}

}  // namespace

TEST_CASE("hours by user and day are those of a plain fold, in every zone", "[replay][property]") {
  const std::uint64_t seed = test::test_seed();
  INFO("reproduce with ROLLCALL_SEED=" << seed);
  std::mt19937_64 rng{seed};
  // Weeks in which clocks change in each of the zones.
  const std::vector<std::pair<std::string, std::string>> weeks{
      {"UTC", "2025-12-29T00:00:00Z"},
      {"Europe/Berlin", "2026-03-27T09:00:00Z"},
      {"Europe/Berlin", "2026-10-23T22:00:00Z"},
      {"America/New_York", "2026-03-06T12:00:00Z"},
      {"Asia/Kolkata", "2025-12-30T18:29:59.999999Z"},
      {"Pacific/Chatham", "2026-04-03T10:15:00Z"},
      {"Australia/Lord_Howe", "2026-10-02T00:00:00Z"},
      {"America/Sao_Paulo", "2018-11-02T00:00:00Z"},
      {"America/St_Johns", "2006-10-27T20:00:00Z"},
      {"Pacific/Apia", "2011-12-28T20:00:00Z"}};
  const int count = test::rounds(2);
  for (int round = 0; round < count; ++round)
    for (const auto& [name, week] : weeks) {
      const test::MemoryStore home;
      const auto w = test::make_days(home, rng, at(week) + static_cast<Micros>(below(rng, kHour)));
      const auto reader = Reader::beside({w, &w->view()});
      const Micros ends = w->state().at, begins = reader.log().header(1).value()->at;
      PresenceReport q;
      q.by = {"user", "day"};
      q.tz = name;
      if (below(rng, 2) == 0)
        q.since = rfc3339(begins + static_cast<Micros>(below(rng, (ends - begins) / 2)));
      const auto kind = below(rng, 4);
      if (kind == 0) q.until = rfc3339(ends - static_cast<Micros>(below(rng, (ends - begins) / 3)));
      if (kind == 1) q.until = rfc3339(ends + static_cast<Micros>(below(rng, 2 * kDay)));
      if (kind == 2) q.at = rfc3339(ends - static_cast<Micros>(below(rng, (ends - begins) / 3)));
      INFO(name << " since " << q.since.value_or("") << " until " << q.until.value_or("") << " at "
                << q.at.value_or(""));
      const auto told = asked(reader, q);
      const Interval range{told.summary.from.at, told.summary.to.at};
      CHECK(range.first == (q.since ? at(*q.since) : begins));
      CHECK(range.second == (q.until ? at(*q.until) : q.at ? at(*q.at) : ends));
      const auto facts = facts_of(reader, told.summary.upto, range.second);
      const TimeZone zone = TimeZone::named(name).value();
      std::map<std::pair<UserNumber, std::string>, Cell> expected, found;
      for (UserNumber user = 1; user < w->state().users.size(); ++user)
        for (Micros t = range.first; t < range.second;) {
          const Stretch day = day_at(zone, t);
          const Cell part = cell_of(facts, user, {t, day.to}, range);
          t = day.to;
          if (part == Cell{}) continue;
          auto& sum = expected[{user, date_text(day.number)}];
          sum.online += part.online;
          sum.away += part.away;
          sum.unknown += part.unknown;
          sum.sessions = std::max(sum.sessions, part.sessions);
        }
      for (const auto& [user, moment] : facts.seen) {
        const auto it = expected.find({user, date_text(day_at(zone, moment).number)});
        if (it == expected.end() || moment < range.first) continue;
        Cell& c = it->second;
        c.first = c.first == 0 ? moment : std::min(c.first, moment);
        c.last = std::max(c.last, moment);
      }
      std::pair<std::uint64_t, std::string> before{0, ""};
      for (const auto& r : told.rows) {
        const std::pair<std::uint64_t, std::string> key{r.number.value(), r.day.value()};
        CHECK(before < key);  // ascending by number, then by day
        before = key;
        found[{static_cast<UserNumber>(key.first), key.second}] = {
            r.online_s.length,
            r.away_s.length,
            r.unknown_s.length,
            r.first_seen ? r.first_seen->at : 0,
            r.last_seen ? r.last_seen->at : 0,
            r.sessions};
      }
      for (const auto& [key, cell] : expected) {
        INFO("user " << key.first << " on " << key.second);
        REQUIRE(found.contains(key));
        const Cell& f = found.at(key);
        REQUIRE(f.online == cell.online);
        REQUIRE(f.away == cell.away);
        REQUIRE(f.unknown == cell.unknown);
        REQUIRE(f.first == cell.first);
        REQUIRE(f.last == cell.last);
        if (name != "America/St_Johns") REQUIRE(f.sessions == cell.sessions);
      }
      REQUIRE(found.size() == expected.size());
    }
}

TEST_CASE("sums by user, by day and over all are those of the rows by both", "[replay][property]") {
  const std::uint64_t seed = test::test_seed();
  INFO("reproduce with ROLLCALL_SEED=" << seed);
  std::mt19937_64 rng{seed};
  const test::MemoryStore home;
  const auto w = test::make_days(home, rng, at("2026-10-22T00:00:00Z"));
  const auto reader = Reader::beside({w, &w->view()});
  PresenceReport q;
  q.tz = "Europe/Berlin";
  q.until = rfc3339(w->state().at + kDay);
  const auto users = asked(reader, q);
  q.by = {"day"};
  const auto days = asked(reader, q);
  q.by = {"day", "user"};
  const auto both = asked(reader, q);
  Micros online = 0, away = 0, unknown = 0;
  std::map<std::string, Micros> by_user, by_day;
  std::map<std::string, std::uint64_t> people;
  for (const auto& r : both.rows) {
    online += r.online_s.length;
    away += r.away_s.length;
    unknown += r.unknown_s.length;
    by_user[*r.user] += r.online_s.length;
    by_day[*r.day] += r.away_s.length;
    ++people[*r.day];
  }
  CHECK(online > 0);
  CHECK(unknown > 0);
  for (const auto* summary : {&users.summary, &days.summary, &both.summary}) {
    CHECK(summary->online_s.length == online);
    CHECK(summary->away_s.length == away);
    CHECK(summary->unknown_s.length == unknown);
    CHECK(summary->users == by_user.size());
  }
  REQUIRE(users.rows.size() == by_user.size());
  for (const auto& r : users.rows) {
    CHECK(r.online_s.length == by_user[*r.user]);
    CHECK_FALSE(r.day);
  }
  REQUIRE(days.rows.size() == by_day.size());
  for (const auto& r : days.rows) {
    CHECK(r.away_s.length == by_day[*r.day]);
    CHECK(*r.users == people[*r.day]);
    CHECK_FALSE(r.user);
  }
  q.user = {*users.rows.front().user};
  q.limit = 1;
  const auto one = asked(reader, q);
  CHECK(one.rows.size() == 1);
  CHECK(one.summary.users == 1);
  CHECK(one.summary.online_s == users.rows.front().online_s);

  // The head count sums the same time.
  HeatmapReport heat;
  heat.tz = q.tz;
  heat.until = q.until;
  const auto week = asked(reader, heat);
  REQUIRE(week.rows.size() == 168);
  CHECK(week.summary.online_s.length == online);
  CHECK(week.summary.away_s.length == away);
  CHECK(week.summary.unknown_s.length == unknown);
  Micros watched = 0;
  for (const auto& r : week.rows) watched += r.watched_s.length;
  const auto facts = facts_of(reader, reader.last(), week.summary.to.at);
  const Interval range{week.summary.from.at, week.summary.to.at};
  CHECK(watched == range.second - range.first - overlap(range, facts.dark));
}

TEST_CASE("after the log's end nobody is online, and what is asked of an empty log is empty",
          "[replay]") {
  const test::MemoryStore home;
  std::shared_ptr<store::Writer> w = home.create();
  {
    const auto reader = Reader::beside({w, &w->view()});
    PresenceReport q;
    q.by = {"user", "day"};
    q.since = "2026-01-01";
    CHECK(asked(reader, PresenceReport{}).rows.empty());
    CHECK(asked(reader, q).rows.empty());
    CHECK(asked(reader, SessionsReport{}).rows.empty());
    CHECK(asked(reader, AttendanceReport{}).rows.empty());
    CHECK(asked(reader, ConcurrencyReport{}).rows.empty());
    CHECK(asked(reader, HeatmapReport{}).rows.size() == 168);
  }
  const Micros start = at("2026-01-14T12:00:00Z");
  w->write(test::login("ada", "a"), start).value();
  w->write(test::login("bob", "a"), start + 60 * kSecond).value();
  w->commit(store::Durable::No).value();
  const auto reader = Reader::beside({w, &w->view()});
  PresenceReport q;
  q.until = rfc3339(start + 3660 * kSecond);
  const auto told = asked(reader, q);
  REQUIRE(told.rows.size() == 2);
  CHECK(told.rows[0].online_s.length == 60 * kSecond);
  CHECK(told.rows[0].unknown_s.length == kHour);
  CHECK(told.rows[1].online_s.length == 0);
  CHECK(told.rows[1].unknown_s.length == kHour);
  CHECK(told.summary.coverage.known == "after_end");
  q.until.reset();
  CHECK(asked(reader, q).summary.unknown_s.length == 0);
  q.since = rfc3339(start + kDay);
  CHECK(asked(reader, q).rows.empty());
  CHECK(asked(reader, q).summary.coverage.known == "after_end");
  q.since.reset();
  q.until = rfc3339(start - kDay);
  CHECK(asked(reader, q).rows.empty());
  CHECK(asked(reader, q).summary.coverage.known == "before_begin");
  q.until.reset();
  // A server that has it open watches until now.
  Desk served{reader.layout(), &reader, start + 3660 * kSecond};
  served.watched = Watched::ToNow;
  const auto now = answer(served, q, [](const auto&) { return true; }).value();
  CHECK(now.online_s.length == 2 * kHour + 60 * kSecond);
  CHECK(now.unknown_s.length == 0);
}

TEST_CASE("a report that cannot be is refused in a sentence", "[replay]") {
  const auto refused = [](const auto& q) { return check(q).error().detail; };
  PresenceReport q;
  q.tz = "Europe/Berln";
  CHECK(refused(q).find("Europe/Berln") != std::string::npos);
  q.tz = "Europe/Berlin";
  q.by = {"user", "room"};
  CHECK(refused(q) == "by is one of user, day");
  q.by = {"day", "day"};
  CHECK(refused(q) == "by names day twice");
  q.by = {};
  q.since = "2026-03-29";
  q.until = "2026-03-28T22:00:00Z";  // before Berlin's midnight
  CHECK(refused(q) == "until 2026-03-28T22:00:00Z is before since 2026-03-29");
  q.until = "2026-03-28T23:00:00Z";
  CHECK(check(q));
  ConcurrencyReport c;
  c.by = {"hour", "day"};
  CHECK(refused(c) == "by is hour or day, one of them");
}

TEST_CASE("the hours of real history are those that were counted apart from here",
          "[replay][data]") {
  if (!test::test_data("ubuntu-irc.ndjson.zst")) return;
  const test::Scratch scratch(test::Scratch::On::Memory);
  engine::Policy policy;
  set_policy(policy, "idle_after=300s").value();
  set_policy(policy, "ttl=off").value();
  const auto layout = test::make_real_store(scratch.path(), 0, policy);
  const auto reader = Reader::open(layout).value();
  const auto hours = [](Seconds length) { return static_cast<double>(length.length) / 3.6e9; };
  for (const std::string zone : {"UTC", "America/New_York", "Pacific/Chatham"}) {
    INFO(zone);
    PresenceReport q;
    q.tz = zone;
    q.by = {"user", "day"};
    const auto told = asked(reader, q);
    CHECK(hours(told.summary.online_s) == Approx(4256.300).margin(0.0006));
    CHECK(hours(told.summary.away_s) == Approx(44136.750).margin(0.0006));
    CHECK(told.summary.unknown_s.length == 0);
    CHECK(told.summary.users == 16'957);
    Micros online = 0, away = 0;
    for (const auto& r : told.rows) {
      online += r.online_s.length;
      away += r.away_s.length;
      REQUIRE(r.online_s.length + r.away_s.length <= 25 * kHour);
    }
    CHECK(online == told.summary.online_s.length);
    CHECK(away == told.summary.away_s.length);
    HeatmapReport heat;
    heat.tz = zone;
    CHECK(asked(reader, heat).summary.online_s.length == online);
  }
  const auto sessions = asked(reader, SessionsReport{});
  CHECK(sessions.summary.count == 23'367);
  CHECK(hours(sessions.summary.seconds) >= 4256.300 + 44136.750);
  CHECK(hours(sessions.summary.once_s) == Approx(4256.300 + 44136.750).margin(0.0006));
}
