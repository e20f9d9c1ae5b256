// What differs: people between two moments, as two states say, and unknown where nobody watched;
// two logs, at the very event at which they part.
#include "replay/question/diff.h"

#include "replay/parting.h"
#include "replay/question/presence.h"
#include "replay/question/root.h"
#include "replay/question/transitions.h"
#include "tests/support/random_history.h"
#include "tests/support/stores.h"

#include <catch2/catch.hpp>

#include <map>
#include <set>

using namespace rollcall;
using namespace rollcall::replay;
using test::kSecond;
using test::kStart;

namespace {

struct Told {
  DiffQuestion::Summary all;
  std::map<std::uint64_t, DiffQuestion::Row> rows;
};

Told told(const Reader& reader, const std::string& a, const std::string& b, DiffQuestion q = {}) {
  const Desk desk{reader.layout(), &reader, kStart * 2};
  q.at = {a, b};
  Told out;
  out.all = answer(desk, q, [&](const DiffQuestion::Row& row) {
              out.rows[row.number] = row;
              return true;
            }).value();
  return out;
}

std::map<std::uint64_t, PresenceQuestion::Row> people(const Reader& reader, const std::string& at) {
  const Desk desk{reader.layout(), &reader, kStart * 2};
  PresenceQuestion q;
  q.at = at;
  q.state = {"any"};
  std::map<std::uint64_t, PresenceQuestion::Row> out;
  (void)answer(desk, q, [&](const PresenceQuestion::Row& row) {
    out[row.number] = row;
    return true;
  }).value();
  return out;
}

/// The seqs of each person's changes of state after `from`, up to and with `to`.
std::map<std::uint64_t, std::vector<std::uint64_t>> changes(const Reader& reader, Seq from,
                                                            Seq to) {
  const Desk desk{reader.layout(), &reader, kStart * 2};
  std::map<std::uint64_t, std::vector<std::uint64_t>> out;
  (void)answer(desk, TransitionsQuestion{}, [&](const TransitionsQuestion::Row& row) {
    if (row.seq > from && row.seq <= to) out[row.number].push_back(row.seq);
    return true;
  }).value();
  return out;
}

}  // namespace

TEST_CASE("whoever differs between two moments is told, and nobody else", "[replay][property]") {
  const std::uint64_t seed = test::test_seed();
  INFO("reproduce with ROLLCALL_SEED=" << seed);
  std::mt19937_64 rng{seed};
  const test::Scratch scratch;
  const auto reader =
      Reader::open(test::make_store(scratch.path(), 1500, test::below(rng, 1 << 20))).value();
  for (int i = 0; i < 30; ++i) {
    const auto seq = [&] {
      return "seq:" + std::to_string(100 + test::below(rng, reader.last() - 100));
    };
    const std::string a = seq(), b = test::below(rng, 4) == 0 ? "now" : seq();
    INFO(a << " and " << b);
    const auto was = people(reader, a), is = people(reader, b);
    const auto made = told(reader, a, b);
    std::uint64_t changed = 0, returned = 0;
    const auto made_between = changes(reader, made.all.at_a.seq, made.all.at_b.seq);
    std::set<std::uint64_t> numbers;  // who was enrolled at one of the moments
    for (const auto* at : {&was, &is})
      for (const auto& [number, person] : *at) numbers.insert(number);
    const auto person = [](const auto& people, std::uint64_t number) {
      const auto found = people.find(number);
      PresenceQuestion::Row nobody;
      nobody.state = "offline";
      return found == people.end() ? nobody : found->second;
    };
    const auto since = [](const std::optional<Moment>& at) { return at ? at->at : 0; };
    for (const std::uint64_t number : numbers) {
      const auto before = person(was, number), then = person(is, number);
      const auto row = made.rows.find(number);
      REQUIRE((row != made.rows.end()) == (before.state != then.state));
      if (row == made.rows.end()) {
        returned += then.state != "unknown" && since(before.since) != since(then.since);
        continue;
      }
      ++changed;
      CHECK(row->second.from == before.state);
      CHECK(row->second.to == then.state);
      CHECK(row->second.last_known_b == then.last_known);
      CHECK(since(row->second.since_a) == since(before.since));
      CHECK(since(row->second.since_b) == since(then.since));
      const auto found = made_between.find(number);
      CHECK(row->second.changes == (found == made_between.end() ? 0 : found->second.size()));
      if (found != made_between.end()) CHECK(row->second.seq == found->second.back());
    }
    CHECK(made.all.changed == changed);
    CHECK(made.all.returned == returned);
    CHECK(made.all.coverage.known == (b == "now" ? "after_end" : "yes"));
    const auto back = told(reader, b, a);
    CHECK(back.all.changed == made.all.changed);
    for (const auto& [number, row] : back.rows) {
      CHECK(row.from == made.rows.at(number).to);
      CHECK(row.to == made.rows.at(number).from);
    }
  }
  const auto same = told(reader, "seq:700", "seq:700");
  CHECK(same.rows.empty());
  CHECK(same.all.returned == 0);
}

TEST_CASE("logs part at the first event that differs, found by a few roots", "[replay][property]") {
  const std::uint64_t seed = test::test_seed();
  INFO("reproduce with ROLLCALL_SEED=" << seed);
  std::mt19937_64 rng{seed};
  // A log is a list of what its events are; its root at a size is all of them before it.
  for (int round = 0; round < 400; ++round) {
    std::string a(test::below(rng, 40), 'x');
    std::string b = a.substr(0, test::below(rng, a.size() + 1));
    if (test::below(rng, 3) == 0) std::swap(a, b);
    const Seq common = std::min(a.size(), b.size());
    Seq expected = common;
    if (common != 0 && test::below(rng, 2) == 0) {
      expected = test::below(rng, common);
      b[expected] = 'y';
    }
    int asked = 0;
    const auto log = [&](const std::string& events) {
      return LogRoots{events.size(), [&](Seq size) -> Result<std::string> {
                        ++asked;
                        return events.substr(0, size);
                      }};
    };
    const auto parted = where_parted(log(a), log(b)).value();
    INFO(a << " and " << b);
    CHECK(parted.common == expected);
    CHECK(parted.how == (expected < common      ? Parting::Parted
                         : a.size() == b.size() ? Parting::Equal
                         : a.size() > b.size()  ? Parting::FirstGoesOn
                                                : Parting::SecondGoesOn));
    CHECK(asked <= 2 * 7);
  }
  const LogRoots broken{5, [](Seq) -> Result<std::string> {
                          return store::Error{store::Errc::Incomplete, "missing"};
                        }};
  CHECK(where_parted(broken, broken).error().code == store::Errc::Incomplete);
}

TEST_CASE("a copy that goes its own way parts from the log there, with those it touched",
          "[replay]") {
  const test::Scratch scratch;
  const auto layout = test::make_store(scratch.path() / "one", 400, 97);
  test::copy_tree(scratch.path() / "one", scratch.path() / "two");
  const auto copy = test::layout_in(scratch.path() / "two");
  REQUIRE(copy.app_dir != layout.app_dir);
  const auto roots = [](const Reader& reader) {
    return LogRoots{reader.last(), [&reader](Seq size) -> Result<std::string> {
                      RootQuestion q;
                      q.size = size;
                      const Desk desk{reader.layout(), &reader, kStart};
                      const auto told = answer(desk, q, [](const NoRow&) { return true; });
                      if (!told) return told.error();
                      return told->root.value_or("");
                    }};
  };
  const auto end = [](const Reader& reader) {
    return state_at(reader, reader.last()).value().state;
  };
  Seq common = 0;
  {
    const auto one = Reader::open(layout).value(), two = Reader::open(copy).value();
    common = one.last();
    const auto same = where_parted(roots(one), roots(two)).value();
    CHECK(same.how == Parting::Equal);
    CHECK(same.common == common);
    CHECK_FALSE(where_states_differ(end(one), end(two)));
  }
  const auto go_on = [](const store::Layout& of, const std::string& user) {
    const auto w = store::Writer::load(of).value();
    (void)w->write(test::login(user, "new"), w->state().at + kSecond).value();
  };
  go_on(copy, "user-7");
  {
    const auto one = Reader::open(layout).value(), two = Reader::open(copy).value();
    const auto longer = where_parted(roots(one), roots(two)).value();
    CHECK(longer.how == Parting::SecondGoesOn);
    CHECK(longer.common == common);
  }
  go_on(layout, "user-8");
  const auto one = Reader::open(layout).value(), two = Reader::open(copy).value();
  const auto parted = where_parted(roots(one), roots(two)).value();
  CHECK(parted.how == Parting::Parted);
  CHECK(parted.common >= common);  // a timer may have concluded the same in both before
  CHECK(one.log().leaf(parted.common).value() == two.log().leaf(parted.common).value());
  CHECK(one.log().leaf(parted.common + 1).value() != two.log().leaf(parted.common + 1).value());
  const auto differ = where_states_differ(end(one), end(two));
  REQUIRE(differ);
  CHECK(differ->page == 0);
  const std::vector<UserNumber> touched{
      std::min(one.find_user("user-7").value(), one.find_user("user-8").value()),
      std::max(one.find_user("user-7").value(), one.find_user("user-8").value())};
  CHECK(differ->users == touched);
  RootQuestion beyond;
  beyond.size = one.last() + 1;
  CHECK_FALSE(answer(Desk{layout, &one, kStart}, beyond, [](const NoRow&) { return true; }));
}

TEST_CASE("a diff has two moments", "[replay]") {
  DiffQuestion q;
  CHECK(check(q).error().code == store::Errc::BadInput);
  q.at = {"now"};
  CHECK(check(q).error().code == store::Errc::BadInput);
  q.at = {"seq:1", "today"};
  CHECK(check(q));
  q.at = {"seq:1", "nonsense"};
  CHECK(check(q).error().code == store::Errc::BadInput);
}
