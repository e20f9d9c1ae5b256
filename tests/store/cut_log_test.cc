// A log as it was: what is read through a cut is what a log of that length would have said.
#include "store/log/cut_log.h"

#include "store/log/read_ahead.h"
#include "store/open_store.h"
#include "tests/support/stores.h"

#include <catch2/catch.hpp>

using namespace rollcall;
using namespace rollcall::store;

TEST_CASE("a cut log ends where it is cut, and has the root that the log had there", "[store]") {
  const test::MemoryStore store;
  const auto writer = store.create();
  std::vector<Hash> roots{writer->log().root_at(0).value()};
  for (int i = 0; i < 700; ++i) {
    Proposal login;
    login.kind = i % 2 == 0 ? engine::Kind::Login : engine::Kind::Logout;
    login.user = "u" + std::to_string(i % 5);
    (void)writer->write(login, 1'000'000 * (i + 1));
    while (roots.size() <= writer->log().last())
      roots.push_back(writer->log().root_at(roots.size()).value());
  }
  std::atomic<Seq> end = 0;
  CutLog cut(writer->log(), end);
  for (const Seq at : {Seq{0}, Seq{1}, Seq{255}, Seq{256}, Seq{257}, writer->log().last(),
                       writer->log().last() + 10}) {
    end = at;
    const Seq last = std::min(at, writer->log().last());
    INFO("cut at " << at);
    CHECK(cut.last() == last);
    CHECK(cut.root() == roots[last]);
    Seq seen = 0;
    cut.scan(1, ~Seq{0} >> 1, [&](const Header& h, ByteView) { return ++seen == h.seq; }).value();
    CHECK(seen == last);
    Seq newest = 0;
    cut.scan_back(1, ~Seq{0} >> 1,
                  [&](const Header& h, ByteView) {
                    newest = h.seq;
                    return false;
                  })
        .value();
    CHECK(newest == last);
    CHECK_FALSE(cut.header(last + 1).value());
    CHECK_FALSE(cut.body(last + 1).value());
    // Time finds nothing that is still to come.
    CHECK(cut.seq_at(1'000'000'000'000).value() == last + 1);
  }
  CHECK_FALSE(cut.writable());
  CHECK(cut.append({}, Durable::Yes, WithTree::Yes).fate() == Fate::Refused);
}

TEST_CASE(
    "a long scan ahead hands over what a plain scan does, stops when told, and says what failed",
    "[store]") {
  InMemory medium;
  const auto layout = locate("/nowhere", "main").value();
  const auto log = medium.create_log(layout, "rollcall.test/log").value();
  constexpr Seq kEvents = 150'000;
  for (Seq next = 1; next <= kEvents;) {
    Commit commit;
    for (int i = 0; i < 5'000; ++i, ++next) {
      Header h;
      h.seq = next;
      h.at = static_cast<engine::Micros>(next);
      h.kind = engine::Kind::AliveMark;
      commit.headers.push_back(h);
    }
    log->append(commit, Durable::Yes, WithTree::No).value();
  }
  for (const auto& [from, to] : {std::pair<Seq, Seq>{1, kEvents},
                                 {17, kEvents},
                                 {1, 70'000},
                                 {5, 20},
                                 {kEvents, kEvents + 9},
                                 {9, 8}}) {
    INFO(from << ".." << to);
    Seq next = from;
    bool in_order = true;
    scan_ahead(*log, from, to, [&](std::span<const Header> piece) {
      for (const Header& h : piece) in_order = in_order && h.seq == next++;
      return true;
    }).value();
    CHECK(in_order);
    CHECK(next == std::max(from, std::min(to, kEvents) + 1));
  }
  Seq seen = 0;
  scan_ahead(*log, 1, kEvents, [&](std::span<const Header> piece) {
    seen += piece.size();
    return seen < 5'000;
  }).value();
  CHECK(seen >= 5'000);
  CHECK(seen < 10'000);
  // Whoever throws gets out of it, and no thread stays behind.
  struct Enough {};
  CHECK_THROWS_AS(
      scan_ahead(*log, 1, kEvents, [&](std::span<const Header>) -> bool { throw Enough(); }),
      Enough);
}
