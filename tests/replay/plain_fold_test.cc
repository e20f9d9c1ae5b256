// Who was here at a moment, beside a fold written here from the rules alone (S01–S07, S11, S23,
// C20), which shares nothing with the engine.
#include "replay/as_of.h"
#include "replay/import.h"
#include "store/log/event_clock.h"
#include "tests/support/stores.h"

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <map>
#include <set>

using namespace rollcall;
using namespace rollcall::replay;

namespace {

constexpr Micros kBegin = 1'768'381'200'000'000;  // 2026-01-14T09:00:00Z

struct Said {
  Micros at = 0;
  std::string type, user, session;
};

/// Logins, activities and logouts of a dozen people, with and without a session's name; no two of
/// one person at the same moment, many of different people.
std::vector<Said> lives(std::mt19937_64& rng, int count) {
  std::vector<Said> out;
  std::map<std::string, Micros> newest;
  Micros at = kBegin;
  for (int i = 0; i < count; ++i) {
    at += static_cast<Micros>(test::below(rng, 4) == 0 ? test::below(rng, 200) * 1'000'000 : 0);
    Said one;
    one.user = fmt::format("u{}", test::below(rng, 12));
    if (const auto it = newest.find(one.user); it != newest.end() && it->second == at) continue;
    newest[one.user] = at;
    one.at = at;
    one.type = std::array{
        "login", "login", "activity", "activity", "activity", "logout"}[test::below(rng, 6)];
    if (test::below(rng, 3) != 0) one.session = fmt::format("s{}", test::below(rng, 3));
    out.push_back(one);
  }
  return out;
}

std::string ndjson(const std::vector<Said>& events) {
  std::string out;
  for (const Said& e : events) {
    out += fmt::format(R"({{"at":"{}","type":"{}","user":"{}")", rfc3339(e.at), e.type, e.user);
    if (!e.session.empty()) out += fmt::format(R"(,"session":"{}")", e.session);
    if (e.type == "activity") out += R"(,"action":"page.read")";
    out += "}\n";
  }
  return out;
}

/// Everybody's state at T. `idle` and `ttl` in microseconds; ttl 0: never.
std::map<std::string, std::string> plainly(const std::vector<Said>& events, Micros at, Micros idle,
                                           Micros ttl) {
  struct Session {
    Micros active = 0;
  };
  std::map<std::string, std::map<std::string, Session>> open;  // by user, by name
  const auto end_late = [&](std::map<std::string, Session>& mine, Micros now, bool strictly) {
    std::erase_if(mine, [&](const auto& entry) {
      const Micros end = entry.second.active + ttl;
      return ttl != 0 && (strictly ? end < now : end <= now);
    });
  };
  std::set<std::string> known;
  for (const Said& e : events) {
    if (e.at > at) break;
    known.insert(e.user);
    auto& mine = open[e.user];
    end_late(mine, e.at, true);  // what was due before it
    if (e.type == "login") {
      if (!mine.contains(e.session)) mine[e.session] = {e.at};
    } else if (e.type == "logout") {
      if (e.session.empty())
        mine.clear();
      else
        mine.erase(e.session);
    } else if (e.session.empty()) {
      Session* newest = nullptr;
      for (auto& [name, session] : mine)
        if (newest == nullptr || session.active > newest->active) newest = &session;
      if (newest != nullptr) newest->active = e.at;
    } else if (const auto it = mine.find(e.session); it != mine.end()) {
      it->second.active = e.at;
    }
  }
  std::map<std::string, std::string> out;
  for (const std::string& user : known) {
    auto& mine = open[user];
    end_late(mine, at, false);
    bool awake = false;
    for (const auto& [name, session] : mine) awake = awake || session.active + idle > at;
    out[user] = mine.empty() ? "offline" : awake ? "online" : "away";
  }
  return out;
}

}  // namespace

TEST_CASE("at a thousand moments, those of events included, everybody is as a plain fold has it",
          "[replay][property]") {
  const std::uint64_t seed = test::test_seed();
  INFO("reproduce with ROLLCALL_SEED=" << seed);
  std::mt19937_64 rng{seed};
  for (const auto& [idle_s, ttl_s] : {std::pair{120, 0}, {300, 0}, {60, 400}, {300, 7200}}) {
    const auto events = lives(rng, 600);
    const test::MemoryStore store;
    {
      const auto writer = store.create();
      engine::Policy policy;
      policy.idle_after_ms = static_cast<std::uint32_t>(idle_s * 1000);
      policy.ttl_s = static_cast<std::uint32_t>(ttl_s);
      import_ndjson(*writer, ndjson(events), DryRun::No, store::wall_now(), nullptr, policy)
          .value();
      const auto view = std::shared_ptr<const store::ReadView>(&writer->view(), [](const auto*) {});
      const Reader reader = Reader::beside(view);
      const Micros end = events.back().at;
      std::set<Micros> moments{kBegin - 1, kBegin, end};
      for (int i = 0; i < 250; ++i) {
        const Micros own = events[test::below(rng, events.size())].at;
        moments.insert(own);
        moments.insert(std::min(
            end, own + std::array<Micros, 4>{1, idle_s * 1'000'000LL, idle_s * 1'000'000LL - 1,
                                             ttl_s * 1'000'000LL}[i % 4]));
        moments.insert(kBegin + static_cast<Micros>(test::below(
                                    rng, static_cast<std::uint64_t>(end - kBegin + 1))));
      }
      for (const Micros at : moments) {
        const auto moment = as_of(reader, at, end, Watched::ToItsEnd).value();
        const auto expected = plainly(events, at, idle_s * 1'000'000LL, ttl_s * 1'000'000LL);
        INFO("idle " << idle_s << " s, ttl " << ttl_s << " s, at " << rfc3339(at));
        if (at < events.front().at) {
          CHECK(moment.known == Known::BeforeBegin);
          continue;
        }
        const auto state = state_as_of(reader, moment).value();
        std::map<std::string, std::string> got;
        for (engine::UserNumber n = 1; n < state.users.size(); ++n)
          if (state.users[n].enrolled)
            got[reader.user_text(n)] = engine::name_of(state.users[n].state);
        CHECK(got == expected);
      }
    }
  }
}
