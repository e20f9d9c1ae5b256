// History again: what it tells, and what it says when it does not give the states that were logged.
#include "replay/question/replay.h"

#include "replay/question/transitions.h"
#include "tests/support/random_history.h"
#include "tests/support/stores.h"

#include <catch2/catch.hpp>

using namespace rollcall;
using namespace rollcall::replay;
using test::kSecond;
using test::kStart;

namespace {

struct Told {
  std::vector<ReplayQuestion::Row> rows;
  ReplayQuestion::Summary summary;
};

Told replayed(const Reader& reader, const ReplayQuestion& q = {}) {
  const Desk desk{reader.layout(), &reader, kStart + 3600 * kSecond};
  Told out;
  out.summary = answer(desk, q, [&](const ReplayQuestion::Row& row) {
                  out.rows.push_back(row);
                  return true;
                }).value();
  return out;
}

}  // namespace

TEST_CASE("a replay tells every event once, and each change of state with its event", "[replay]") {
  const test::Scratch scratch;
  const auto reader = Reader::open(test::make_store(scratch.path(), 1500, 91)).value();
  const auto told = replayed(reader);
  CHECK(told.summary.first == 1);
  CHECK(told.summary.last == reader.last());
  CHECK(told.summary.events == reader.last());
  CHECK(told.summary.digests >= 1);
  CHECK_FALSE(told.summary.divergence);
  Seq seq = 0;
  for (const auto& row : told.rows) {
    CHECK((row.seq == seq || row.seq == seq + 1));
    seq = row.seq;
  }
  CHECK(seq == reader.last());
  const Desk desk{reader.layout(), &reader, kStart};
  std::vector<ReplayQuestion::Row> changes;
  for (const auto& row : told.rows)
    if (row.to) changes.push_back(row);
  CHECK(changes.size() == told.summary.transitions);
  std::size_t i = 0;
  (void)answer(desk, TransitionsQuestion{}, [&](const TransitionsQuestion::Row& row) {
    REQUIRE(i < changes.size());
    CHECK(row.seq == changes[i].seq);
    CHECK(row.number == changes[i].number);
    CHECK(row.from == changes[i].from);
    CHECK(row.to == changes[i].to);
    ++i;
    return true;
  }).value();
  CHECK(i == changes.size());
  ReplayQuestion silent;
  silent.silent = true;
  const auto counted = replayed(reader, silent);
  CHECK(counted.rows.empty());
  CHECK(counted.summary.transitions == told.summary.transitions);
  CHECK(counted.summary.online == told.summary.online);
}

TEST_CASE("a replay of a part begins with the state before it, and both parts make the whole",
          "[replay]") {
  const test::Scratch scratch;
  const auto reader = Reader::open(test::make_store(scratch.path(), 1500, 92)).value();
  const auto whole = replayed(reader);
  ReplayQuestion first, second;
  first.to = "seq:700";
  second.from = "seq:700";
  auto rows = replayed(reader, first).rows;
  const auto rest = replayed(reader, second);
  CHECK(rest.summary.first == 700);
  rows.insert(rows.end(), rest.rows.begin(), rest.rows.end());
  REQUIRE(rows.size() == whole.rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    CHECK(rows[i].seq == whole.rows[i].seq);
    CHECK(rows[i].to == whole.rows[i].to);
  }
  CHECK(rest.summary.online == whole.summary.online);
  ReplayQuestion few;
  few.limit = 40;
  const auto begun = replayed(reader, few);
  CHECK(begun.rows.size() == 40);
  CHECK(begun.summary.last == begun.rows.back().seq);
  CHECK(begun.summary.events == begun.summary.last);
  std::uint64_t here = 0;
  for (const auto& user : state_at(reader, begun.summary.last).value().state.users)
    here += user.state == engine::Presence::Online;
  CHECK(begun.summary.online == here);
  ReplayQuestion nothing;
  nothing.from = rfc3339(kStart * 2);
  CHECK(replayed(reader, nothing).summary.events == 0);
}

TEST_CASE("a logged digest that the replay does not give is named, with the last that agreed",
          "[replay]") {
  const test::Scratch scratch;
  const auto layout = test::make_store(scratch.path(), 600, 93);
  Seq good = 0, bad = 0;
  {
    const auto w = store::Writer::load(layout).value();
    good = w->log().last();  // the store is signed at its end: a StateDigest
    (void)w->write(test::login("ada", "x"), w->state().at).value();
    store::Proposal wrong;
    wrong.kind = engine::Kind::StateDigest;
    wrong.digest.fill(7);
    engine::write_fields(wrong, engine::DigestFields{w->log().last(), engine::kReducerVersion});
    bad = w->write(wrong, w->state().at).value().seq;
    engine::write_fields(wrong, engine::DigestFields{bad, engine::kReducerVersion + 1});
    (void)w->write(wrong, w->state().at).value();
  }
  const auto reader = Reader::open(layout).value();
  const auto told = replayed(reader);
  REQUIRE(told.summary.divergence);
  CHECK(told.summary.divergence->seq == bad);
  CHECK(told.summary.divergence->agreed == good);
  CHECK(told.summary.divergence->history.starts_with("0707"));
  CHECK(told.summary.divergence->replay != told.summary.divergence->history);
  // Only what lies between the two digests can be the cause.
  const auto& between = *told.summary.divergence;
  CHECK(between.events == bad - 1 - good);
  CHECK(between.users == 1);
  REQUIRE(between.touched.size() == 1);
  CHECK(between.touched[0].user == "ada");
  CHECK(std::ranges::any_of(between.met, [](const ReplayQuestion::Met& met) {
    return met.kind == "login" && met.rule == "S01" && met.events == 1;
  }));
}
