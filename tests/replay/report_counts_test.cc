// Sessions, rooms and head counts against lists of what happened.
#include "tests/support/asked.h"
#include "tests/support/facts.h"

#include <catch2/catch.hpp>

#include <map>
#include <set>

using namespace rollcall;
using namespace rollcall::replay;
using engine::Presence;
using test::asked;
using test::facts_of;
using test::Interval;
using test::kSecond;
using test::overlap;

namespace {

Micros at(std::string_view text) { return parse_rfc3339(text).value(); }

}  // namespace

TEST_CASE("the curve of how many were here is counted piece by piece", "[replay][property]") {
  const std::uint64_t seed = test::test_seed();
  INFO("reproduce with ROLLCALL_SEED=" << seed);
  std::mt19937_64 rng{seed};
  for (const std::string by : {"hour", "day"}) {
    const test::MemoryStore home;
    const auto w = test::make_days(home, rng, at("2026-04-03T00:00:00Z"));
    const auto reader = Reader::beside({w, &w->view()});
    ConcurrencyReport q;
    q.tz = "Pacific/Chatham";
    q.by = {by};
    const auto told = asked(reader, q);
    const auto facts = facts_of(reader, reader.last(), 0);
    REQUIRE_FALSE(told.rows.empty());
    Micros from = told.summary.from.at;
    for (const auto& r : told.rows) {
      INFO(by << " from " << rfc3339(r.from.at));
      REQUIRE(r.from.at == from);  // without a hole
      from = r.to.at;
      const Interval piece{r.from.at, r.to.at};
      const Micros watched = from - r.from.at - overlap(piece, facts.dark);
      Micros online = 0, unknown = 0;
      std::set<Micros> moments{piece.first};
      for (const auto& s : facts.spans) {
        const Interval time{std::max(s.time.first, piece.first),
                            std::min(s.time.second, piece.second)};
        if (time.first >= time.second) continue;
        const Micros dark = overlap(time, facts.dark);
        unknown += dark;
        if (s.state == Presence::Online) online += time.second - time.first - dark;
        moments.insert(time.first);
      }
      for (const auto& [begin, end] : facts.dark)
        if (end >= piece.first && end < piece.second) moments.insert(end);
      std::uint64_t most = 0;
      for (const Micros m : moments) {
        if (overlap({m, m + 1}, facts.dark) != 0) continue;
        std::uint64_t here = 0;
        for (const auto& s : facts.spans)
          here += s.state == Presence::Online && s.time.first <= m && m < s.time.second;
        most = std::max(most, here);
      }
      REQUIRE(r.unknown_s.length == unknown);
      REQUIRE(r.online_max == most);
      REQUIRE(r.online_mean.has_value() == (watched > 0));
      if (watched > 0)
        REQUIRE(static_cast<double>(r.online_mean->length) / 1e6 ==
                Approx(static_cast<double>(online) / static_cast<double>(watched)).margin(1e-6));
    }
    CHECK(from == told.summary.to.at);
  }
}

TEST_CASE("attendance counts a room's visitors once, and a dead server's until it was last heard",
          "[replay][property]") {
  const std::uint64_t seed = test::test_seed();
  INFO("reproduce with ROLLCALL_SEED=" << seed);
  std::mt19937_64 rng{seed};
  for (int round = 0; round < 4; ++round) {
    const test::MemoryStore home;
    const auto w = test::make_days(home, rng, at("2026-10-24T20:00:00Z"));
    const auto reader = Reader::beside({w, &w->view()});
    // From the state after each event, instead of its effects.
    using Place = std::pair<std::uint64_t, UserNumber>;
    std::map<Place, Micros> open;
    std::map<Place, std::vector<Interval>> visits;
    store::Fold fold;
    for (Seq seq = 1; seq <= reader.last(); ++seq) {
      REQUIRE(fold.advance(reader.log(), seq));
      const auto header = *reader.log().header(seq).value();
      std::set<Place> now;
      for (UserNumber n = 1; n < fold.state.users.size(); ++n)
        for (const auto& a : fold.state.users[n].attendance) now.insert({a.channel, n});
      for (const auto& place : now) open.emplace(place, header.at);
      for (auto it = open.begin(); it != open.end();) {
        if (now.contains(it->first)) {
          ++it;
          continue;
        }
        const bool died = header.kind == engine::Kind::NodeDown;
        const Micros end = died ? engine::node_change_of(header).last_heard : header.at;
        visits[it->first].push_back({it->second, std::max(it->second, end)});
        it = open.erase(it);
      }
    }
    const auto dark = facts_of(reader, reader.last(), 0).dark;
    for (const auto& [place, since] : open) visits[place].push_back({since, w->state().at});
    std::map<Place, Micros> expected;
    std::size_t count = 0;
    for (const auto& [place, list] : visits)
      for (const auto& visit : list) {
        expected[place] += visit.second - visit.first - overlap(visit, dark);
        ++count;
      }
    AttendanceReport q;
    const auto each = asked(reader, q);
    CHECK(each.rows.size() == count);
    CHECK(each.summary.visits == count);
    q.by = {"user", "room", "day"};
    q.tz = "Europe/Berlin";
    std::map<Place, Micros> found;
    for (const auto& r : asked(reader, q).rows) {
      const auto channel = std::stoull(r.room->substr(r.room->find(':') + 1));
      found[{channel, static_cast<UserNumber>(*r.number)}] += r.seconds.length;
    }
    CHECK(found == expected);
    q.by = {"room"};
    Micros sum = 0;
    for (const auto& r : asked(reader, q).rows) {
      CHECK_FALSE(r.user);
      sum += r.seconds.length;
    }
    CHECK(sum == each.summary.seconds.length);
    q.by = {};
    q.room = "channel:2";
    for (const auto& r : asked(reader, q).rows) CHECK(r.room == "channel:2");
    q.room = "presence-nowhere";
    CHECK(asked(reader, q).rows.empty());
  }
}

TEST_CASE("sessions that overlap are summed twice as sessions and once as time", "[replay]") {
  const test::MemoryStore home;
  const std::shared_ptr<store::Writer> w = home.create();
  const Micros start = at("2026-01-14T22:00:00Z");
  auto first = test::login("ada", "a");
  first.body.address = "10.0.0.1";
  first.body.device = "desk";
  const auto one = w->write(first, start).value().seq;
  const auto two = w->write(test::login("ada", "b"), start + 60 * kSecond).value().seq;
  w->write(test::about(engine::Kind::Logout, "ada", one, engine::Cause::Logout),
           start + 120 * kSecond)
      .value();
  w->write(test::about(engine::Kind::Logout, "ada", two, engine::Cause::Logout),
           start + 180 * kSecond)
      .value();
  w->commit(store::Durable::No).value();
  const auto reader = Reader::beside({w, &w->view()});
  const auto told = asked(reader, SessionsReport{});
  REQUIRE(told.rows.size() == 2);
  CHECK(told.rows[0].address == "10.0.0.1");
  CHECK(told.rows[0].device == "desk");
  CHECK(told.rows[0].seconds.length == 120 * kSecond);
  CHECK(told.rows[0].cause == "logout");
  CHECK(told.summary.seconds.length == 240 * kSecond);
  CHECK(told.summary.once_s.length == 180 * kSecond);
  const auto presence = asked(reader, PresenceReport{});
  REQUIRE(presence.rows.size() == 1);
  CHECK(presence.rows[0].online_s.length == 180 * kSecond);
  CHECK(presence.rows[0].sessions == 2);
  CHECK(presence.rows[0].first_seen->at == start);
  CHECK(presence.rows[0].last_seen->at == start + 180 * kSecond);
}

TEST_CASE("what a report says of a time that the log speaks for stays so as the log grows",
          "[replay][property]") {
  const std::uint64_t seed = test::test_seed();
  INFO("reproduce with ROLLCALL_SEED=" << seed);
  std::mt19937_64 rng{seed};
  for (int round = 0; round < 6; ++round) {
    const test::MemoryStore home;
    const auto w = test::make_days(home, rng, at("2026-03-27T00:00:00Z"));
    const Seq last = w->state().seq;
    const Seq bound = last / 2 + test::below(rng, last / 2);
    const bool by_seq = round % 2 == 0;
    const auto until =
        by_seq ? fmt::format("seq:{}", bound) : rfc3339(w->log().header(bound).value()->at);
    const auto all = [&] {
      const auto reader = Reader::beside({w, &w->view()});
      std::string out;
      const auto ask = [&](auto q) {
        q.until = until;
        q.tz = "Europe/Berlin";
        const auto told = asked(reader, q);
        out += json::serialize(write_value(told.rows)) + "\n" + rfc3339(told.summary.from.at) +
               rfc3339(told.summary.to.at) + "\n";
      };
      PresenceReport presence;
      presence.by = {"user", "day"};
      ask(presence);
      ask(SessionsReport{});
      ask(AttendanceReport{});
      ask(ConcurrencyReport{});
      ask(HeatmapReport{});
      return out;
    };
    const std::string before = all();
    std::uint64_t node = w->stage_restart(1, w->state().at + 3600 * kSecond);
    for (int i = 0; i < 60; ++i)
      test::do_something(*w, node, rng,
                         w->state().at + static_cast<Micros>(test::below(rng, 900 * kSecond)));
    w->commit(store::Durable::No).value();
    INFO("until " << until);
    CHECK(all() == before);
  }
}
