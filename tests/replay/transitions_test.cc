// Every change of state, over real events and against numbers that were counted elsewhere.
#include "replay/question/transitions.h"

#include "replay/import.h"
#include "replay/policy_setting.h"
#include "replay/question/sessions.h"
#include "replay/question/timeline.h"
#include "store/log/event_clock.h"
#include "tests/support/stores.h"

#include <catch2/catch.hpp>

#include <map>
#include <set>

using namespace rollcall;
using namespace rollcall::replay;
using test::kSecond;
using test::kStart;

namespace {

engine::Policy policy_of(std::initializer_list<std::string_view> settings) {
  engine::Policy out;
  for (const auto setting : settings) set_policy(out, setting).value();
  return out;
}

std::vector<TransitionsQuestion::Row> transitions(const Reader& reader,
                                                  TransitionsQuestion q = {}) {
  const Desk desk{reader.layout(), &reader, kStart + 3600 * kSecond};
  std::vector<TransitionsQuestion::Row> out;
  (void)answer(desk, q, [&](const TransitionsQuestion::Row& row) {
    out.push_back(row);
    return true;
  }).value();
  return out;
}

}  // namespace

TEST_CASE("a policy is set by name, and what it cannot be is refused", "[replay]") {
  const auto policy = policy_of(
      {"idle_after=120s", "ttl=off", "grace_abort_s=0s", "grace_node=1min", "sessions_max=3"});
  CHECK(policy.idle_after_ms == 120'000);
  CHECK(policy.ttl_s == 0);
  CHECK(policy.grace_abort_s == 0);
  CHECK(policy.grace_node_s == 60);
  CHECK(policy.sessions_max == 3);
  CHECK(policy.grace_clean_s == engine::Policy{}.grace_clean_s);
  engine::Policy kept = policy;
  for (const std::string_view wrong :
       {"idle_after", "=5s", "idle=5s", "idle_after=", "idle_after=never", "idle_after=0s",
        "idle_after=1000d", "ttl=0s", "ttl=1500ms", "grace_clean=off", "grace_clean=70000s",
        "sessions_max=0", "sessions_max=x", "sessions_max=5000000000"}) {
    INFO(wrong);
    CHECK(set_policy(kept, wrong).error().code == store::Errc::BadInput);
    CHECK(kept == policy);
  }
}

TEST_CASE("an import sets the policy of a new log, and of no other", "[replay]") {
  const test::Scratch scratch;
  const auto layout = test::layout_in(scratch.path());
  const auto writer = store::Writer::create(layout).value();
  const std::string day =
      R"({"at":"2023-11-14T08:00:00Z","type":"login","user":"ada","session":"a"}
{"at":"2023-11-14T22:00:00Z","type":"logout","user":"ada","session":"a"}
)";
  const auto policy = policy_of({"idle_after=10min", "ttl=off"});
  const auto now = store::wall_now();
  (void)import_ndjson(*writer, day, DryRun::No, now, nullptr, policy).value();
  CHECK(writer->state().policy == policy);
  const auto changes = transitions(Reader::open(layout).value());
  REQUIRE(changes.size() == 3);  // fourteen hours in one session, not two that ran out
  CHECK(changes[0].to == "online");
  CHECK(rfc3339(changes[1].at.at) == "2023-11-14T08:10:00.000000Z");
  CHECK(changes[1].cause == "idle_timeout");
  CHECK(rfc3339(changes[2].at.at) == "2023-11-14T22:00:00.000000Z");
  CHECK(changes[2].cause == "logout");
  const std::string next = R"({"at":"2023-11-15T08:00:00Z","type":"login","user":"ada"})";
  CHECK(import_ndjson(*writer, next, DryRun::No, now, nullptr, policy).error().code ==
        store::Errc::Refused);
  CHECK(import_ndjson(*writer, next, DryRun::No, now, nullptr));
}

TEST_CASE("the changes of state are those of real history, counted apart from here",
          "[replay][data]") {
  if (!test::test_data("ubuntu-irc.ndjson.zst")) return;
  const test::Scratch scratch(test::Scratch::On::Memory);
  const auto layout =
      test::make_real_store(scratch.path(), 0, policy_of({"idle_after=300s", "ttl=off"}));
  const auto reader = Reader::open(layout).value();
  std::map<std::string, std::uint64_t> edges;
  std::set<std::uint64_t> users;
  std::map<std::uint64_t, std::pair<std::string, Micros>> is;
  std::map<std::string, Micros> lasted;
  std::size_t online = 0, most = 0;
  for (const auto& change : transitions(reader)) {
    ++edges[change.from + " " + change.to];
    users.insert(change.number);
    auto& [state, since] = is[change.number];
    if (state.empty()) state = "offline";
    REQUIRE(state == change.from);
    lasted[state] += since == 0 ? 0 : change.at.at - since;
    online += change.to == "online";
    online -= change.from == "online";
    most = std::max(most, online);
    is[change.number] = {change.to, change.at.at};
  }
  // To the log's last event: what comes later nobody knows.
  const Micros end = reader.log().header(reader.last()).value()->at;
  for (const auto& [number, now] : is) lasted[now.first] += end - now.second;
  CHECK(edges["offline online"] == 23'367);
  CHECK(edges["online away"] == 29'211);
  CHECK(edges["online offline"] == 4'202);
  CHECK(edges["away online"] == 10'046);
  CHECK(edges["away offline"] == 19'165);
  CHECK(users.size() == 16'957);
  CHECK(most == 133);
  CHECK(static_cast<double>(lasted["online"]) / 3.6e9 == Approx(4256.300).margin(0.0006));
  CHECK(static_cast<double>(lasted["away"]) / 3.6e9 == Approx(44136.750).margin(0.0006));
}

TEST_CASE("changes are asked by person, range and number", "[replay]") {
  const test::Scratch scratch;
  const auto layout = test::make_store(scratch.path(), 1500, 81);
  const auto reader = Reader::open(layout).value();
  const auto all = transitions(reader);
  REQUIRE(all.size() > 50);
  const auto same = [](const auto& a, const auto& b) {
    return a.seq == b.seq && a.number == b.number && a.from == b.from && a.to == b.to &&
           a.cause == b.cause && a.at == b.at;
  };
  TransitionsQuestion q;
  q.user = {all.front().user};
  std::vector<TransitionsQuestion::Row> expected;
  for (const auto& row : all)
    if (row.user == all.front().user) expected.push_back(row);
  CHECK(std::ranges::equal(transitions(reader, q), expected, same));
  q = {};
  q.since = "seq:200";
  q.until = "seq:700";
  expected.clear();
  for (const auto& row : all)
    if (row.seq >= 200 && row.seq < 700) expected.push_back(row);
  CHECK(std::ranges::equal(transitions(reader, q), expected, same));
  q.limit = 3;
  expected.resize(3);
  CHECK(std::ranges::equal(transitions(reader, q), expected, same));
}

TEST_CASE("sessions that nobody saw end are open while the log speaks and unknown afterwards",
          "[replay]") {
  const test::Scratch scratch;
  const auto layout = test::layout_in(scratch.path());
  {
    const auto w = store::Writer::create(layout).value();
    store::Proposal login;
    login.kind = engine::Kind::Login;
    login.user = "ada";
    w->write(login, kStart).value();
    login.user = "bob";
    w->write(login, kStart + 5 * kSecond).value();
  }
  const auto reader = Reader::open(layout).value();
  const Desk desk{layout, &reader, kStart + 86'400LL * 300 * kSecond};
  const auto ask = [&](const std::optional<std::string>& at) {
    SessionsQuestion q;
    q.at = at;
    std::map<std::string, std::string> out;
    const auto summary = answer(desk, q, [&](const SessionsQuestion::Row& row) {
                           out[row.user] = row.state;
                           return true;
                         }).value();
    out["known"] = summary.coverage.known;
    return out;
  };
  using Told = std::map<std::string, std::string>;
  CHECK(ask({}) == Told{{"ada", "open"}, {"bob", "open"}, {"known", "yes"}});
  CHECK(ask(rfc3339(kStart)) == Told{{"ada", "open"}, {"known", "yes"}});
  CHECK(ask("now") == Told{{"ada", "unknown"}, {"bob", "unknown"}, {"known", "after_end"}});
  TimelineQuestion timeline;
  timeline.user = "ada";
  timeline.from = rfc3339(kStart - kSecond);
  timeline.to = rfc3339(kStart + 60 * kSecond);
  const auto told = answer(desk, timeline, [](const NoRow&) { return true; }).value();
  REQUIRE(told.spans.size() == 3);
  CHECK(told.spans[0].state == "offline");
  CHECK(told.spans[1].state == "online");
  CHECK(told.spans[2].state == "unknown");
  CHECK(told.spans[2].from.at == kStart + 5 * kSecond);
  CHECK(told.coverage.known == "after_end");
  ConcurrencyQuestion concurrency;
  concurrency.from = rfc3339(kStart);
  concurrency.to = rfc3339(kStart + 10 * kSecond);
  concurrency.slices = 2;
  const auto curve = answer(desk, concurrency, [](const NoRow&) { return true; }).value();
  REQUIRE(curve.slices.size() == 2);
  CHECK(curve.slices[0].online_ms == 5000);
  CHECK(curve.slices[1].online_ms == 0);
  CHECK(curve.slices[1].unknown_ms == 10'000);
}
