// History under another policy: the same where nothing is changed, and what an import under that
// policy would have given.
#include "replay/whatif.h"

#include "replay/import.h"
#include "replay/policy_setting.h"
#include "replay/time_text.h"
#include "store/log/event_clock.h"
#include "tests/support/stores.h"

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <random>

using namespace rollcall;
using namespace rollcall::replay;
using engine::Presence;
using test::kSecond;

namespace {

WhatIf asked(const Reader& reader, std::initializer_list<std::string> settings = {}) {
  WhatIf out;
  out.last = reader.last();
  out.change = [settings = std::vector<std::string>(settings)](engine::Policy& policy) {
    for (const auto& setting : settings) set_policy(policy, setting).value();
  };
  return out;
}

void check_nothing_differs(const Reader& reader) {
  const auto made = what_if(reader, asked(reader)).value();
  CHECK(made.actual_only == 0);
  CHECK(made.what_if_only == 0);
  CHECK(made.online.actual == made.online.what_if);
  CHECK(made.away.actual == made.away.what_if);
  CHECK(made.peak.actual == made.peak.what_if);
  for (const auto& [edge, counts] : made.transitions) CHECK(counts.actual == counts.what_if);
}

/// People who come, act and go, by names that are given or not, over some days.
std::string invented_file(std::mt19937_64& rng, int lines) {
  std::string out;
  engine::Micros at = test::kStart;
  for (int i = 0; i < lines; ++i) {
    at += static_cast<engine::Micros>(test::below(rng, 500)) * kSecond;
    const auto what = test::below(rng, 10);
    const std::string session =
        test::below(rng, 2) == 0 ? "" : fmt::format(R"(,"session":"s{}")", test::below(rng, 2));
    out += fmt::format(R"({{"at":"{}","type":"{}","user":"u{}"{}}})", rfc3339(at),
                       what < 3   ? "login"
                       : what < 9 ? "activity"
                                  : "logout",
                       test::below(rng, 6), session) +
           "\n";
  }
  return out;
}

}  // namespace

TEST_CASE("with nothing changed every conclusion comes out the same", "[replay][property]") {
  const std::uint64_t seed = test::test_seed();
  INFO("reproduce with ROLLCALL_SEED=" << seed);
  std::mt19937_64 rng{seed};
  for (int i = 0; i < test::rounds(3); ++i) {
    const test::Scratch scratch;
    check_nothing_differs(
        Reader::open(test::make_store(scratch.path(), 1500, test::below(rng, 1 << 20))).value());
  }
  const test::Scratch golden;
  test::copy_tree(std::filesystem::path(ROLLCALL_SOURCE_DIR) / "tests/golden/0.5.1/apps",
                  golden.path() / "apps");
  check_nothing_differs(Reader::open(store::locate(golden.path(), "main").value()).value());
  const test::Scratch real(test::Scratch::On::Memory);
  check_nothing_differs(Reader::open(test::make_real_store(real.path(), 20'000)).value());
}

TEST_CASE("another policy gives what an import under it gives", "[replay][property]") {
  const std::uint64_t seed = test::test_seed();
  INFO("reproduce with ROLLCALL_SEED=" << seed);
  std::mt19937_64 rng{seed};
  const std::vector<std::vector<std::string>> policies{
      {"idle_after=120s"}, {"idle_after=20min"}, {"ttl=off"}, {"ttl=10min", "idle_after=60s"}};
  for (int i = 0; i < test::rounds(3); ++i) {
    const std::string file = invented_file(rng, 400);
    for (const auto& settings : policies) {
      const test::Scratch scratch;
      engine::Policy policy;
      for (const auto& setting : settings) set_policy(policy, setting).value();
      const auto imported = [&](const char* name, const engine::Policy& under) {
        const auto layout = test::layout_in(scratch.path() / name);
        const auto w = store::Writer::create(layout).value();
        (void)import_ndjson(*w, file, DryRun::No, store::wall_now(), nullptr, under).value();
        return layout;
      };
      const auto usual = Reader::open(imported("usual", {})).value();
      const auto other = Reader::open(imported("other", policy)).value();
      WhatIf question = asked(usual);
      question.change = [&](engine::Policy& p) { p = policy; };
      const auto made = what_if(usual, question).value();
      const auto fresh = what_if(other, asked(other)).value();
      INFO(settings.front() << " and " << settings.back());
      CHECK(made.online.what_if == fresh.online.actual);
      CHECK(made.away.what_if == fresh.away.actual);
      CHECK(made.peak.what_if == fresh.peak.actual);
      for (const Presence from : {Presence::Offline, Presence::Online, Presence::Away})
        for (const Presence to : {Presence::Offline, Presence::Online, Presence::Away}) {
          const auto here = made.transitions.find({from, to}),
                     there = fresh.transitions.find({from, to});
          CHECK((here == made.transitions.end() ? 0 : here->second.what_if) ==
                (there == fresh.transitions.end() ? 0 : there->second.actual));
        }
    }
  }
}

TEST_CASE("without somebody, nothing of them is left and everybody else is as before", "[replay]") {
  const test::Scratch scratch;
  const auto reader = Reader::open(test::make_store(scratch.path(), 1500, 97)).value();
  WhatIf question = asked(reader);
  question.without = 3;
  const auto made = what_if(reader, question).value();
  REQUIRE(made.users.size() > 4);
  CHECK(made.users[3].online.actual > 0);
  CHECK(made.users[3].online.what_if == 0);
  CHECK(made.users[3].away.what_if == 0);
  for (UserNumber n = 1; n < made.users.size(); ++n)
    if (n != 3) CHECK(made.users[n].online.actual == made.users[n].online.what_if);
}

TEST_CASE("a node that is lost takes its people offline after their grace", "[replay]") {
  const test::Scratch scratch;
  const auto layout = test::layout_in(scratch.path());
  {
    const auto w = store::Writer::create(layout).value();
    const auto epoch = w->stage_restart(1, test::kStart);
    store::Proposal login;
    login.kind = engine::Kind::Login;
    login.user = "ada";
    const auto session = w->stage(login, test::kStart + kSecond).value().seq;
    store::Proposal up;
    up.kind = engine::Kind::LinkUp;
    up.user = "ada";
    up.session = session;
    engine::write_fields(up, engine::LinkFields{7, epoch});
    w->stage(up, test::kStart + kSecond).value();
    store::Proposal mark;
    mark.kind = engine::Kind::AliveMark;
    w->stage(mark, test::kStart + 200 * kSecond).value();
    w->commit().value();
  }
  const auto reader = Reader::open(layout).value();
  WhatIf question = asked(reader);
  question.lose_node = 1;
  question.lose_at = test::kStart + 100 * kSecond;
  const auto made = what_if(reader, question).value();
  CHECK(made.online.actual == 199 * kSecond);
  CHECK(made.online.what_if == (99 + engine::Policy{}.grace_node_s) * kSecond);
}
