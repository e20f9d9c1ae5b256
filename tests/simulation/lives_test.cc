// Simulated lives of a log: people come, act, lose connections and go, the clock is set, the
// process dies and starts again; all on a clock of its own and from one seed a life.
//
// What must hold in every life: the state is what a fold of the durable log gives; timers rebuilt
// after a crash conclude what the old ones would have; and the history made anew from what was
// proposed, without its timers' conclusions, is the very same, event for event, whenever somebody
// looked at the clock meanwhile (design: live and regenerated histories are equal).
//
// ROLLCALL_SEEDS lives (50), the first seed in ROLLCALL_SEED (1).
#include "engine/sequencer.h"
#include "store/bytes/crypto.h"
#include "store/log/state_digest.h"
#include "tests/support/setting.h"

#include <catch2/catch.hpp>

#include <random>

using namespace rollcall::engine;
using rollcall::test::setting;

namespace {

constexpr Micros kSec = 1'000'000;
constexpr std::uint64_t kNode = 1;

std::vector<std::uint8_t> bytes_of(const State& state) {
  std::vector<std::uint8_t> out;
  for (std::uint32_t page = 0; page < page_count(state); ++page) write_page(state, page, out);
  return out;
}

/// As a snapshot keeps it: written page by page and read again.
State kept(const State& state) {
  State out;
  out.seq = state.seq;
  out.at = state.at;
  for (std::uint32_t page = 0; page < page_count(state); ++page) {
    std::vector<std::uint8_t> bytes;
    write_page(state, page, bytes);
    REQUIRE(read_page(out, page, bytes));
  }
  return out;
}

State fold(const std::vector<Sequenced>& log) {
  State state;
  std::vector<Transition> ignored;
  for (const Sequenced& event : log) apply(state, event.header, ignored);
  return state;
}

/// What no one proposed: the sequencer makes it again.
bool concluded(const Header& h) {
  return h.cause == Cause::IdleTimeout || h.cause == Cause::GraceExpired ||
         h.cause == Cause::TtlExpired || h.cause == Cause::Superseded ||
         (h.kind == Kind::StatusCleared && h.cause == Cause::Expired);
}

class Life {
 public:
  explicit Life(std::uint64_t seed) : random_(seed), touches_(seed % 2 == 0) {
    start();
    for (UserNumber user = 1; user <= kUsers; ++user) put(Kind::UserEnrolled, user);
    durable_ = log_.size();
  }

  void live(int steps) {
    for (int i = 0; i < steps; ++i) step();
  }
  void end() { sequencer_.conclude(now_, log_, transitions_); }

  [[nodiscard]] const std::vector<Sequenced>& log() const { return log_; }
  [[nodiscard]] const State& state() const { return sequencer_.state(); }
  [[nodiscard]] Micros now() const { return now_; }
  [[nodiscard]] bool touches() const { return touches_; }
  int crashes = 0, clock_steps = 0;

 private:
  static constexpr UserNumber kUsers = 12;
  std::uint64_t upto(std::uint64_t n) { return random_() % n; }

  Header draft(Kind kind, UserNumber user, Cause cause = Cause::None, Seq session = 0) {
    Header h;
    h.kind = kind;
    h.cause = cause;
    h.user = user;
    h.session = session;
    return h;
  }
  void put(const Header& h) { (void)sequencer_.append(h, now_, log_, transitions_); }
  void put(Kind kind, UserNumber user) { put(draft(kind, user)); }

  void start() {  // as store::Writer::stage_restart
    const Micros heard = sequencer_.state().at;
    sequencer_.conclude(heard, log_, transitions_);
    const std::uint64_t node = kNode << 32;
    if (epoch_ > 0) {
      Header down = draft(Kind::NodeDown, 0, Cause::Restart);
      down.a = node | epoch_;
      down.b = static_cast<std::uint64_t>(heard);
      sequencer_.append_unconcluded(down, now_, log_, transitions_);
    }
    Header up = draft(Kind::NodeUp, 0);
    up.a = node | ++epoch_;
    up.b = static_cast<std::uint64_t>(heard);
    sequencer_.append_unconcluded(up, now_, log_, transitions_);
    durable_ = log_.size();
  }

  void crash() {
    ++crashes;
    log_.resize(durable_);
    State state = fold(log_);
    // Every other start is from a snapshot: what follows must not know the difference.
    sequencer_ = Sequencer(crashes % 2 == 0 ? kept(state) : std::move(state));
    now_ = std::max(now_, sequencer_.state().at) + static_cast<Micros>(upto(4000)) * kSec;
    start();
  }

  void step() {
    const std::uint64_t pace = upto(100);
    now_ += static_cast<Micros>(pace < 80   ? upto(20'000'000)
                                : pace < 98 ? upto(600'000'000)
                                            : upto(9'000'000'000));
    const UserNumber user = 1 + static_cast<UserNumber>(upto(kUsers));
    const auto& sessions = state().users[user].sessions;
    const Seq session = sessions.empty() ? 0 : sessions[upto(sessions.size())];
    const std::uint64_t what = upto(1000);
    if (what < 180) {
      put(Kind::Login, user);
    } else if (what < 330 && session != 0) {
      Header h = draft(Kind::LinkUp, user, Cause::None, session);
      h.a = 1 + upto(5);
      h.b = (kNode << 32) | epoch_;
      put(h);
    } else if (what < 480 && session != 0) {
      constexpr Cause kHow[] = {Cause::Clean, Cause::Abort, Cause::Timeout, Cause::Drain};
      Header h = draft(Kind::LinkDown, user, kHow[upto(4)], session);
      h.a = 1 + upto(5);
      h.b = (kNode << 32) | epoch_;
      put(h);
    } else if (what < 700) {
      put(draft(Kind::Activity, user, Cause::None, upto(4) == 0 ? 0 : session));
    } else if (what < 780 && session != 0 && touches_) {
      sequencer_.hold_touch(session, now_);
    } else if (what < 840) {
      put(draft(Kind::Logout, user, Cause::Logout, upto(3) == 0 ? 0 : session));
    } else if (what < 890) {
      Header h = draft(Kind::StatusSet, user);
      h.flags = static_cast<std::uint16_t>(upto(3));
      h.a = upto(2) == 0 ? 0 : static_cast<std::uint64_t>(now_) + upto(900) * kSec;
      put(h);
    } else if (what < 910) {
      put(Kind::StatusCleared, user);
    } else if (what < 970) {
      sequencer_.conclude(now_, log_, transitions_);  // a timer thread woke up, or did not
    } else if (what < 980) {
      ++clock_steps;
      const auto step = static_cast<Micros>(upto(1'800'000'000));
      sequencer_.conclude(now_, log_, transitions_);
      Header h = draft(Kind::ClockStep, 0);
      h.a = static_cast<std::uint64_t>(state().clock_offset);
      h.b = static_cast<std::uint64_t>(state().clock_offset + step);
      now_ += step;
      sequencer_.append_unconcluded(h, now_, log_, transitions_);
    } else {
      return crash();
    }
    if (upto(3) != 0) durable_ = log_.size();
  }

  std::mt19937_64 random_;
  bool touches_;
  Sequencer sequencer_{State{}};
  std::vector<Sequenced> log_;
  std::vector<Transition> transitions_;
  std::size_t durable_ = 0;
  std::uint64_t epoch_ = 0;
  Micros now_ = 1'700'000'000 * kSec;
};

/// The same proposals at the same times, nobody looking at the clock in between.
std::vector<Sequenced> made_anew(const Life& life) {
  Sequencer sequencer{State{}};
  std::vector<Sequenced> out;
  std::vector<Transition> ignored;
  bool last_was_conclusion = false;
  for (const auto& [h, outcome] : life.log()) {
    if (concluded(h)) {
      last_was_conclusion = true;
      continue;
    }
    if (h.kind == Kind::NodeDown) {
      // The last thing heard may be a conclusion: then somebody was there just after its deadline.
      const auto heard = static_cast<Micros>(h.b);
      sequencer.conclude(last_was_conclusion ? heard + 1 : heard, out, ignored);
      sequencer.append_unconcluded(h, h.at, out, ignored);
    } else if (h.kind == Kind::NodeUp) {
      sequencer.append_unconcluded(h, h.at, out, ignored);
    } else if (h.kind == Kind::ClockStep) {
      // Concluded before the step, by the time that was left then.
      const auto step = static_cast<Micros>(h.b - h.a);
      sequencer.conclude(h.at - step, out, ignored);
      sequencer.append_unconcluded(h, h.at, out, ignored);
    } else {
      (void)sequencer.append(h, h.at, out, ignored);
    }
    last_was_conclusion = false;
  }
  sequencer.conclude(life.now(), out, ignored);
  return out;
}

}  // namespace

TEST_CASE("simulated lives: the fold, the timers and the history made anew agree",
          "[simulation][property]") {
  const std::uint64_t first = setting("ROLLCALL_SEED", 1), count = setting("ROLLCALL_SEEDS", 50);
  int crashes = 0, clock_steps = 0;
  std::size_t events = 0, conclusions = 0;
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    INFO("seed " << seed << " (ROLLCALL_SEED=" << seed << " ROLLCALL_SEEDS=1 repeats it)");
    Life life(seed);
    for (int part = 0; part < 10; ++part) {
      life.live(200);
      REQUIRE(bytes_of(fold(life.log())) == bytes_of(life.state()));
      REQUIRE(bytes_of(kept(life.state())) == bytes_of(life.state()));
    }
    life.end();
    const State folded = fold(life.log());
    REQUIRE(bytes_of(folded) == bytes_of(life.state()));
    for (UserNumber user = 1; user < folded.users.size(); ++user)
      REQUIRE(folded.users[user].sessions.empty() ==
              (folded.users[user].derived == Presence::Offline));
    for (std::size_t i = 0; i < life.log().size(); ++i) {
      REQUIRE(life.log()[i].header.seq == i + 1);
      if (i > 0) REQUIRE(life.log()[i].header.at >= life.log()[i - 1].header.at);
    }
    if (!life.touches()) {  // a held touch is known to its process alone
      const auto again = made_anew(life);
      REQUIRE(again.size() == life.log().size());
      for (std::size_t i = 0; i < again.size(); ++i) {
        INFO("event " << i + 1);
        REQUIRE(again[i].header == life.log()[i].header);
        REQUIRE(again[i].outcome == life.log()[i].outcome);
      }
    }
    crashes += life.crashes;
    clock_steps += life.clock_steps;
    events += life.log().size();
    for (const auto& event : life.log()) conclusions += concluded(event.header) ? 1 : 0;
  }
  WARN(count << " lives from seed " << first << ": " << events << " events, " << conclusions
             << " of them timers' conclusions, " << crashes << " crashes, " << clock_steps
             << " clock steps");
  CHECK(crashes > 0);
  CHECK(conclusions > 0);
}

TEST_CASE("the digests of fixed lives are these, whoever compiled this and however",
          "[simulation][digest]") {
  // Of the first 8 bytes. Another value here is another reducer: give it a version of its own
  // (engine::kReducerVersion), or digests in logs that exist are contradicted.
  constexpr std::string_view kDigests[][5] = {
      {"1ec48d6b2ac513e1", "410e51ae8d0decca", "555534cabed75a18", "c4a9f1599d8e7b66",
       "f0ea8a0bbb56a711"},
      {"8b17ee98cbe0b1bb", "8ed2c32435795f06", "43140cd1741c760b", "467905f7b47a92ce",
       "a37f0a99d67de62c"},
      {"e91f1796f8b54d7d", "f2d9e09d15be2c05", "fbd08db62659c06b", "ffcf0b143b9c3c0f",
       "eb8e57928b425ae2"}};
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    Life life(seed);
    for (int part = 0; part < 5; ++part) {
      life.live(300);
      INFO("seed " << seed << ", part " << part);
      CHECK(rollcall::store::hex(rollcall::store::digest_of(life.state())).substr(0, 16) ==
            kDigests[seed - 1][part]);
      CHECK(rollcall::store::digest_of(fold(life.log())) ==
            rollcall::store::digest_of(life.state()));
    }
  }
}
