// The state as of a moment, and what is unknown.
#include "replay/as_of.h"

#include "engine/sequencer.h"
#include "replay/import.h"
#include "store/open_store.h"
#include "tests/support/stores.h"

#include <catch2/catch.hpp>

#include <random>

using namespace rollcall;
using namespace rollcall::replay;
using engine::Kind;
using engine::Presence;
using store::Proposal;
using store::Writer;
using test::kSecond;
using test::kStart;

namespace {

Proposal about(Kind kind, const std::string& user, const std::string& key = "x") {
  Proposal p;
  p.kind = kind;
  p.user = user;
  if (kind == Kind::Login) p.body.external_key = key;
  return p;
}

/// "online", …; "unknown" while nobody watched; "-" before the log began.
std::string told(const Reader& reader, Micros at, UserNumber user,
                 Watched watched = Watched::ToItsEnd, Micros now = kStart * 2) {
  const AsOf moment = as_of(reader, at, now, watched).value();
  if (moment.known == Known::BeforeBegin) return "-";
  const auto state = state_as_of(reader, moment).value();
  const engine::User* found = state.find(user);
  const Presence presence = found == nullptr ? Presence::Offline : found->state;
  if (moment.known != Known::Yes && presence != Presence::Offline) return "unknown";
  return std::string(engine::name_of(presence));
}

}  // namespace

TEST_CASE("as of a moment is after everything that is not later than it", "[replay]") {
  const test::Scratch scratch;
  const auto layout = test::layout_in(scratch.path());
  const auto w = Writer::create(layout).value();
  w->write(about(Kind::Login, "ada"), kStart).value();
  w->write(about(Kind::Logout, "ada"), kStart + 10 * kSecond).value();
  w->write(about(Kind::Login, "bob"), kStart + 20 * kSecond).value();
  const auto reader = Reader::open(layout).value();
  const auto ada = reader.find_user("ada").value(), bob = reader.find_user("bob").value();
  CHECK(told(reader, kStart - 1, ada) == "-");
  CHECK(told(reader, kStart, ada) == "online");  // at the login's own time
  CHECK(told(reader, kStart + 10 * kSecond - 1, ada) == "online");
  CHECK(told(reader, kStart + 10 * kSecond, ada) == "offline");
  CHECK(told(reader, kStart + 20 * kSecond, bob) == "online");
  CHECK(as_of(reader, kStart, kStart, Watched::ToItsEnd).value().seq ==
        reader.log().seq_at(kStart + 1).value() - 1);
}

TEST_CASE("after the log's end who was here is unknown, unless a server watches", "[replay]") {
  const test::Scratch scratch;
  const auto layout = test::layout_in(scratch.path());
  const auto w = Writer::create(layout).value();
  w->write(about(Kind::Login, "ada"), kStart).value();
  w->write(about(Kind::Login, "bob"), kStart).value();
  w->write(about(Kind::Logout, "bob"), kStart + kSecond).value();
  const auto reader = Reader::open(layout).value();
  const auto ada = reader.find_user("ada").value(), bob = reader.find_user("bob").value();
  const Micros november = kStart + 300LL * 86'400 * kSecond;
  CHECK(told(reader, kStart + kSecond, ada) == "online");
  CHECK(told(reader, kStart + kSecond + 1, ada) == "unknown");
  CHECK(told(reader, november, ada) == "unknown");
  CHECK(told(reader, november, bob) == "offline");
  const auto end = as_of(reader, "", november, Watched::ToItsEnd).value();
  CHECK(end.at == kStart + kSecond);
  CHECK(end.known == Known::Yes);
  // A server has the log open: what its timers would say by then is said, and no more than now is
  // known.
  const Micros now = kStart + 200 * kSecond, idle = kStart + 300 * kSecond;
  CHECK(told(reader, now, ada, Watched::ToNow, now) == "online");
  CHECK(told(reader, idle - 1, ada, Watched::ToNow, idle) == "online");
  CHECK(told(reader, idle, ada, Watched::ToNow, idle) == "away");
  CHECK(told(reader, now + 1, ada, Watched::ToNow, now) == "unknown");
  CHECK(as_of(reader, "", now, Watched::ToNow).value().at == now);
}

TEST_CASE("seq:N is the state after event N, N included, and nothing is after the last",
          "[replay]") {
  const test::Scratch scratch;
  const auto layout = test::make_store(scratch.path(), 300, 77);
  const auto reader = Reader::open(layout).value();
  for (Seq seq = 1; seq <= reader.last(); seq += 7) {
    const auto moment =
        as_of(reader, "seq:" + std::to_string(seq), kStart, Watched::ToItsEnd).value();
    CHECK(moment.seq == seq);
    CHECK(moment.known == Known::Yes);
    CHECK(state_as_of(reader, moment).value().seq == seq);
  }
  CHECK(as_of(reader, "seq:0", kStart, Watched::ToItsEnd).value().known == Known::BeforeBegin);
  CHECK_FALSE(as_of(reader, "seq:" + std::to_string(reader.last() + 1), kStart, Watched::ToItsEnd));
}

TEST_CASE("a definite answer stays what it was, whatever comes later", "[replay][property]") {
  const std::uint64_t seed = test::test_seed();
  INFO("reproduce with ROLLCALL_SEED=" << seed);
  std::mt19937_64 rng{seed};
  // A server that died; then ten events of an offline write, of an import, or of a start.
  for (int way = 0; way < 3; ++way) {
    const test::Scratch scratch;
    const auto layout = test::layout_in(scratch.path());
    Micros died = 0;
    {
      const auto w = Writer::create(layout).value();
      const auto epoch = w->stage_restart(1, kStart);
      Micros at = kStart;
      const char* const names[] = {"ada", "bob", "cy", "dee"};
      for (int i = 0; i < 120; ++i) {
        at += static_cast<Micros>(test::below(rng, 200)) * kSecond;
        const std::string name = names[test::below(rng, 4)];
        switch (test::below(rng, 4)) {
          case 0:
            w->stage(about(Kind::Logout, name), at).value();
            break;
          case 1:
          case 2:
            w->stage(about(Kind::Activity, name), at).value();
            break;
          default: {
            const auto login = w->stage(about(Kind::Login, name), at).value();
            Proposal up = about(Kind::LinkUp, name);
            up.session = login.seq;
            engine::write_fields(up, engine::LinkFields{static_cast<std::uint64_t>(i + 1), epoch});
            w->stage(up, at).value();
          }
        }
      }
      w->commit().value();
      died = w->state().at;
    }
    std::vector<std::pair<Micros, std::vector<std::string>>> before;
    const auto ask = [&](Micros at) {
      const auto reader = Reader::open(layout).value();
      std::vector<std::string> out;
      for (UserNumber user = 1; user <= 4; ++user) out.push_back(told(reader, at, user));
      return out;
    };
    {
      const auto reader = Reader::open(layout).value();
      for (int i = 0; i < 170; ++i) {
        // An event's own time now and then, and times after the end.
        const Seq seq = 1 + test::below(rng, reader.last());
        const Micros own = reader.log().header(seq).value()->at;
        const Micros at =
            i % 3 == 0
                ? own
                : kStart + static_cast<Micros>(test::below(
                               rng, static_cast<std::uint64_t>(died - kStart + 300 * kSecond)));
        std::vector<std::string> out;
        for (UserNumber user = 1; user <= 4; ++user) out.push_back(told(reader, at, user));
        before.emplace_back(at, std::move(out));
      }
    }
    const Micros back = died + 1000 * kSecond;
    {
      store::Opening opening;
      opening.wall = back;
      const auto w = store::open_store(layout, opening).value();
      if (way == 2) w->stage_restart(1, back);
      if (way == 1) {
        std::string lines;
        for (int i = 0; i < 10; ++i)
          lines += R"({"at":")" + rfc3339(back + i * kSecond) + R"(","type":")" +
                   (i % 2 == 0 ? "activity" : "login") + R"(","user":"ada"})" + "\n";
        (void)import_ndjson(*w, lines, DryRun::No, back + 100 * kSecond, nullptr).value();
      } else {
        for (int i = 0; i < 10; ++i)
          w->stage(about(i % 2 == 0 ? Kind::Activity : Kind::Login, i % 4 < 2 ? "ada" : "eve"),
                   back + i * kSecond)
              .value();
      }
      w->commit().value();
    }
    for (const auto& [at, was] : before) {
      const auto is = ask(at);
      INFO("way " << way << ", at " << at - kStart << ", died " << died - kStart);
      for (std::size_t i = 0; i < was.size(); ++i)
        if (was[i] != "unknown" && at <= died) CHECK(is[i] == was[i]);
      if (at > died && at < back)
        for (std::size_t i = 0; i < is.size(); ++i) CHECK(is[i] == was[i]);  // a gap now
    }
  }
}
