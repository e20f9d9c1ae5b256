// The board against the state it follows, and against what others may know of who hides.
#include "net/presence/board.h"

#include "net/presence/comings.h"
#include "store/forget.h"
#include "store/log/snapshot.h"
#include "store/open_store.h"
#include "tests/support/random_history.h"
#include "tests/support/stores.h"

#include <catch2/catch.hpp>

#include <set>

using namespace rollcall;
using engine::Cause;
using engine::Header;
using engine::Kind;
using engine::Micros;
using engine::Override;
using engine::Presence;
using engine::UserNumber;
using net::Board;
using net::PresenceRow;
using store::Proposal;
using store::Writer;
using test::about;
using test::below;
using test::kSecond;
using test::kStart;
using test::login;

namespace {

/// What others may know, kept by hand: the latest sign of life in the open, and the last change of
/// what was visible.
struct InTheOpen {
  Micros last_seen = 0, changed_at = 0;
};

std::vector<InTheOpen> in_the_open(const Writer& writer) {
  std::vector<InTheOpen> out;
  std::vector<Presence> visible;
  store::Fold fold;
  (void)fold
      .advance(writer.log(), writer.log().last(),
               [&](const Header& h, store::ByteView, engine::Outcome outcome, auto) {
                 const auto& users = fold.state.users;
                 out.resize(users.size());
                 visible.resize(users.size());
                 for (UserNumber n = 1; n < users.size(); ++n) {
                   if (users[n].visible == visible[n]) continue;
                   visible[n] = users[n].visible;
                   out[n].changed_at = h.at;
                 }
                 const engine::User& user = users[h.user];
                 if (outcome != engine::Outcome::Applied || user.manual == Override::Invisible)
                   return;
                 Micros seen = 0;
                 if (h.kind == Kind::Login || (h.kind == Kind::Logout && h.cause == Cause::Logout))
                   seen = h.at;
                 if (h.kind == Kind::Activity && !user.sessions.empty())
                   seen = engine::activity_of(h).active_at(h.at);
                 out[h.user].last_seen = std::max(out[h.user].last_seen, seen);
               })
      .value();
  return out;
}

/// Who is where by what a webhook was told, from the log's beginning; who was forgotten left out.
std::set<std::pair<std::uint64_t, UserNumber>> told_to_webhooks(const Writer& writer) {
  net::Comings comings({}, true, true);
  (void)writer.log().scan(1, writer.log().last(), [&](const Header& h, store::ByteView) {
    comings.take(h, {});
    return true;
  });
  comings.settle(net::Comings::Clock::time_point{} + std::chrono::hours(1));
  std::set<std::pair<std::uint64_t, UserNumber>> out;
  for (const auto& change : comings.next(comings.ready())) {
    if (change.added)
      REQUIRE(out.emplace(change.channel, change.user).second);
    else
      REQUIRE(out.erase({change.channel, change.user}) == 1);
  }
  std::erase_if(out, [&](const auto& place) { return writer.state().users[place.second].erased; });
  return out;
}

std::set<std::pair<std::uint64_t, UserNumber>> attending(const Writer& writer) {
  std::set<std::pair<std::uint64_t, UserNumber>> out;
  for (UserNumber n = 1; n < writer.state().users.size(); ++n)
    for (const auto& a : writer.state().users[n].attendance) out.emplace(a.channel, n);
  return out;
}

void require_equal(const Board& board, const Writer& writer) {
  REQUIRE(board.seq() == writer.state().seq);
  REQUIRE(told_to_webhooks(writer) == attending(writer));
  const auto open = in_the_open(writer);
  for (UserNumber n = 1; n < writer.state().users.size(); ++n) {
    INFO("user " << n << " at seq " << writer.state().seq);
    const engine::User& user = writer.state().users[n];
    const auto found = board.of(n);
    REQUIRE(found.has_value() == !user.erased);
    if (!found) continue;
    const PresenceRow& s = *found;
    REQUIRE(s.sessions == user.sessions.size());
    REQUIRE(s.state == user.state);
    REQUIRE(s.visible == user.visible);
    REQUIRE(s.since == user.since);
    REQUIRE(s.last_seen == user.last_seen);
    REQUIRE(s.manual == user.manual);
    REQUIRE(s.do_not_disturb == user.do_not_disturb);
    REQUIRE(s.status_seq == user.status_seq);
    REQUIRE(s.visible_last_seen == open[n].last_seen);
    REQUIRE(s.changed_at == open[n].changed_at);
  }
}

/// A store with its board, as a server has them.
class Followed {
 public:
  explicit Followed(const store::Layout& layout) : layout_(layout) { start(kStart); }

  void start(Micros at) {
    board_.reset();
    writer_.reset();
    writer_ = open_or_create_store(layout_).value();
    node_ = writer_->stage_restart(1, at);
    writer_->commit(store::Durable::No).value();
    board_ = std::make_unique<Board>();
    board_->start(*writer_);
    writer_->observe([this](const Writer::Batch& batch) { board_->apply(batch); });
  }
  Writer& writer() { return *writer_; }
  Board& board() { return *board_; }
  [[nodiscard]] std::uint64_t node() const { return node_; }

 private:
  store::Layout layout_;
  std::unique_ptr<Writer> writer_;
  std::unique_ptr<Board> board_;
  std::uint64_t node_ = 0;
};

}  // namespace

TEST_CASE("a logout that names no session ends all of them on the board, too", "[net]") {
  const test::Scratch scratch;
  Followed store(test::layout_in(scratch.path()));
  for (const char* session : {"a", "b", "c"})
    store.writer().write(login("ada", session), kStart).value();
  const UserNumber ada = store.writer().vault().number_of("ada").value();
  CHECK(store.board().of(ada)->sessions == 3);
  store.writer().write(about(Kind::Logout, "ada", 0, Cause::Logout), kStart + kSecond).value();
  CHECK(store.board().of(ada)->sessions == 0);
  store.writer().write(login("ada", "a"), kStart + 2 * kSecond).value();
  CHECK(store.board().of(ada)->sessions == 1);
}

TEST_CASE("who hides is shown after a restart as he was when he hid", "[net]") {
  const test::Scratch scratch;
  const auto layout = test::layout_in(scratch.path());
  Followed store(layout);
  const auto at = [](int s) { return kStart + s * kSecond; };
  store.writer().write(login("zoe", "a"), at(1)).value();
  store.writer().write(about(Kind::Activity, "zoe"), at(10)).value();
  Proposal hide = about(Kind::StatusSet, "zoe");
  hide.flags = static_cast<std::uint16_t>(Override::Invisible);
  const auto hid = store.writer().write(hide, at(20)).value();
  store.writer().write(about(Kind::Activity, "zoe"), at(30)).value();
  store.writer().write(about(Kind::Logout, "zoe", 0, Cause::Logout), at(40)).value();
  store.writer().write(login("zoe", "a"), at(50)).value();
  const UserNumber zoe = store.writer().vault().number_of("zoe").value();
  const auto check = [&] {
    const PresenceRow s = *store.board().of(zoe);
    CHECK(s.state == Presence::Online);
    CHECK(s.visible == Presence::Offline);
    CHECK(s.last_seen == at(50));
    CHECK(s.visible_last_seen == at(10));
    CHECK(s.changed_at == at(20));
    CHECK(s.changed_seq == hid.seq);
  };
  check();
  store.start(at(60));
  check();
  CHECK(store.board().changed_after(hid.seq).empty());  // nothing to tell who resumes
  SECTION("from a snapshot, too") {
    (void)store::make_snapshot(layout, store.writer().log(), 3).value();
    store.writer().write(about(Kind::Activity, "zoe"), at(61)).value();
    store.start(at(70));
    CHECK(store.writer().from_snapshot() > 0);
    CHECK(store.board().of(zoe)->visible_last_seen == at(10));
    CHECK(store.board().of(zoe)->changed_at == at(20));
    CHECK(store.board().of(zoe)->changed_seq == hid.seq);
  }
  SECTION("once he shows himself, from that moment on") {
    store.writer().write(about(Kind::StatusCleared, "zoe"), at(80)).value();
    store.start(at(90));
    CHECK(store.board().of(zoe)->visible == Presence::Online);
    CHECK(store.board().of(zoe)->changed_at == at(80));
    CHECK(store.board().of(zoe)->visible_last_seen == at(10));
    store.writer().write(about(Kind::Activity, "zoe"), at(91)).value();
    CHECK(store.board().of(zoe)->visible_last_seen == at(91));
  }
  SECTION("others hear nothing of what he does with his status while he hides") {
    (void)store.board().take_notes();
    hide.body.status_text = "nobody reads this";
    store.writer().write(hide, at(80)).value();
    CHECK(store.board().take_notes().statuses.empty());
    store.writer().write(about(Kind::StatusCleared, "zoe"), at(81)).value();
    CHECK(store.board().take_notes().statuses == std::vector<UserNumber>{zoe});
  }
}

TEST_CASE("after any history and any restart the board is the state, and shows what was shown",
          "[net][property]") {
  const std::uint64_t seed = test::test_seed();
  INFO("reproduce with ROLLCALL_SEED=" << seed);
  std::mt19937_64 rng{seed};
  for (int round = 0; round < 4; ++round) {
    const test::Scratch scratch;
    const auto layout = test::layout_in(scratch.path());
    Followed store(layout);
    Micros at = kStart;
    for (int part = 0; part < 60; ++part) {
      const auto events = 1 + below(rng, 12);
      for (std::uint64_t i = 0; i < events; ++i) {
        at = std::max(at + static_cast<Micros>(below(rng, 120 * kSecond)),
                      store.writer().state().at);
        test::do_something(store.writer(), store.node(), rng, at);
      }
      store.writer().commit(store::Durable::No).value();
      require_equal(store.board(), store.writer());
      if (below(rng, 40) == 0) {
        const auto number = store.writer().vault().number_of("u" + std::to_string(below(rng, 6)));
        if (number && !store.writer().state().users[*number].erased) {
          const auto plan = store::plan_forget(store.writer(), *number);
          (void)store::forget(store.writer(), plan, {"a request", "", false}, at).value();
          require_equal(store.board(), store.writer());
        }
      }
      if (below(rng, 6) == 0) {
        if (below(rng, 2) == 0) (void)store::make_snapshot(layout, store.writer().log(), 2).value();
        at += static_cast<Micros>(below(rng, 400 * kSecond));
        store.start(at);
        require_equal(store.board(), store.writer());
      }
    }
  }
}
