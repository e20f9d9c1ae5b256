// Snapshots: a start from one knows what a start from the whole log knows; whatever does not fit is
// passed over.
#include "store/log/snapshot.h"

#include "replay/reader.h"
#include "store/bytes/files.h"
#include "store/forget.h"
#include "store/govern.h"
#include "store/log/state_digest.h"
#include "store/open_store.h"
#include "store/retention.h"
#include "tests/support/stores.h"

#include <catch2/catch.hpp>

#include <random>

using namespace rollcall;
using namespace rollcall::store;
using engine::Kind;
using test::Scratch;

namespace {

/// What lies beside the state in a ledger and a census, as text.
std::string beside(const Ledger& ledger, const Census& census, UserNumber users) {
  std::string out;
  const auto add = [&](std::uint64_t n) { out += std::to_string(n) + " "; };
  for (const auto* map : {&ledger.actions, &ledger.channels}) {
    for (const auto& [id, seq] : *map) add(id), add(seq);
    out += "| ";
  }
  for (const auto* map : {&ledger.holds, &ledger.erase_pending, &ledger.erased}) {
    for (const auto& [user, seq] : *map) add(user), add(seq);
    out += "| ";
  }
  for (const auto& [kind, seconds] : ledger.retention) add(kind), add(seconds);
  for (const auto& [a, b] : ledger.imports) add(a), add(b);
  for (UserNumber user = 0; user < users; ++user) {
    add(census.of(user).events), add(census.of(user).bodies);
    for (const auto& mention : census.mentions_of(user)) add(mention.seq), add(mention.by);
  }
  return out;
}

/// A store with something of everything that a snapshot must keep.
Layout eventful(const std::filesystem::path& directory, std::uint64_t seed) {
  const auto layout = test::make_store(directory, 600, seed);
  const auto writer = open_store(layout).value();
  engine::Micros at = writer->state().at;
  const auto write = [&](Kind kind, std::string user, std::uint64_t a = 0, std::uint64_t b = 0) {
    Proposal p;
    p.kind = kind;
    p.user = std::move(user);
    p.a = a;
    p.b = b;
    return writer->write(p, at += test::kSecond).value();
  };
  const std::uint64_t node = writer->stage_restart(1, at += test::kSecond);
  const auto login = write(Kind::Login, "here");
  Proposal link;
  link.kind = Kind::LinkUp;
  link.user = "here";
  link.session = login.seq;
  link.a = 7;
  link.b = node;
  REQUIRE(writer->write(link, at).value().outcome == engine::Outcome::Applied);
  const auto channel = writer->channel_id("presence-lobby", at).value().value();
  Proposal joined;
  joined.kind = Kind::Joined;
  joined.user = "here";
  joined.a = channel;
  joined.b = node;
  REQUIRE(writer->write(joined, at).value().outcome == engine::Outcome::Applied);
  Proposal status;
  status.kind = Kind::StatusSet;
  status.user = "here";
  status.flags = static_cast<std::uint16_t>(engine::Override::Away) | engine::flag::kDoNotDisturb;
  status.a = static_cast<std::uint64_t>(at) + 900'000'000;
  status.body.status_text = "at lunch";
  (void)writer->write(status, at).value();
  write(Kind::Login, "hides");
  status = {};
  status.kind = Kind::StatusSet;
  status.user = "hides";
  status.flags = static_cast<std::uint16_t>(engine::Override::Invisible);
  (void)writer->write(status, at).value();
  write(Kind::Activity, "hides");
  (void)change_hold(*writer, Kind::HoldSet, {"here", {}}, "case", "", at).value();
  (void)set_retention(*writer, Kind::Activity, 86'400, at).value();
  write(Kind::Login, "gone");
  (void)forget(*writer, plan_forget(*writer, find_user(*writer, {"gone", {}}).value()),
               {"asked", "", false}, at)
      .value();
  return layout;
}

Seq snap(const Layout& layout, std::size_t keep = 9) {
  const auto log = Log::open(layout, Log::Mode::Read).value();
  return make_snapshot(layout, *log, keep).value().seq;
}

}  // namespace

TEST_CASE("a start from a snapshot knows what a start from the whole log knows",
          "[store][property]") {
  const std::uint64_t seed = std::random_device{}();
  INFO("seed " << seed);
  const Scratch scratch;
  const auto layout = eventful(scratch.path(), seed);
  const Seq at = snap(layout);
  {
    Opening opening;  // the server that is up in the log goes on
    opening.nodes = Opening::Nodes::GoOn;
    const auto writer = open_store(layout, opening).value();
    CHECK(writer->from_snapshot() == at);
    test::fill(*writer, 200, seed + 1, writer->state().at);
  }
  const auto users = open_store(layout).value()->state().users.size();
  auto with = open_store(layout).value();
  const Hash digest = digest_of(with->state());
  const std::string said = beside(with->ledger(), with->census(), static_cast<UserNumber>(users));
  CHECK(with->from_snapshot() == at);
  CHECK(with->state().users[with->vault().number_of("here").value()].attendance.size() == 1);
  const auto shown = with->shown_at_opening().users();
  REQUIRE(shown.size() == 1);
  CHECK(shown.begin()->second.last_seen < with->state().users[shown.begin()->first].last_seen);
  const auto deadline = with->next_deadline();
  with.reset();
  std::filesystem::remove_all(layout.snapshots());
  const auto without = open_store(layout).value();
  CHECK(without->from_snapshot() == 0);
  CHECK(digest_of(without->state()) == digest);
  CHECK(beside(without->ledger(), without->census(), static_cast<UserNumber>(users)) == said);
  CHECK(without->shown_at_opening().users() == shown);
  CHECK(without->next_deadline() == deadline);
  CHECK(without->ledger().holds.size() == 1);
  CHECK(without->ledger().erased.size() == 1);
}

TEST_CASE("a question about the past begins at the nearest snapshot before it", "[store]") {
  const Scratch scratch;
  const auto layout = eventful(scratch.path(), 5);
  const auto reader = replay::Reader::open(layout).value();
  std::vector<Hash> expected;
  const std::vector<Seq> moments{1, 50, 300, 301, reader.last() - 1, reader.last()};
  for (const Seq to : moments) {
    Fold fold;
    fold.advance(reader.log(), to).value();
    expected.push_back(digest_of(fold.state));
  }
  Snapshot part;
  part.fold.advance(reader.log(), 300).value();
  (void)write_snapshot(layout, reader.log(), part).value();
  (void)snap(layout);
  REQUIRE(list_snapshots(layout).size() == 2);
  CHECK(nearest_snapshot(layout, reader.log(), 299).fold.state.seq == 0);
  CHECK(nearest_snapshot(layout, reader.log(), 300).fold.state.seq == 300);
  CHECK(nearest_snapshot(layout, reader.log(), reader.last()).fold.state.seq == reader.last());
  for (std::size_t i = 0; i < moments.size(); ++i)
    CHECK(digest_of(replay::state_at(reader, moments[i]).value().state) == expected[i]);
}

TEST_CASE("a snapshot that is damaged, cut off or of another log is passed over", "[store]") {
  const Scratch scratch;
  const auto layout = eventful(scratch.path() / "a", 6);
  const Seq seq = snap(layout);
  const auto file = list_snapshots(layout).front().path;
  const std::string whole = test::slurp(file);
  const auto log = Log::open(layout, Log::Mode::Read).value();
  const auto used = [&](const std::string& bytes) {
    replace_file(file, bytes).value();
    return nearest_snapshot(layout, *log, seq).fold.state.seq;
  };
  CHECK(used(whole) == seq);
  for (std::size_t at = 0; at < whole.size(); at += 1 + whole.size() / 150) {
    std::string bytes = whole;
    bytes[at] = static_cast<char>(bytes[at] ^ 0x10);
    INFO("byte " << at);
    CHECK(used(bytes) == 0);
  }
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{5}, whole.size() / 2, whole.size() - 1})
    CHECK(used(whole.substr(0, size)) == 0);
  CHECK(used(whole + "x") == 0);
  // Of another log, under a name that would fit.
  const auto other = eventful(scratch.path() / "b", 7);
  (void)snap(other);
  CHECK(used(test::slurp(list_snapshots(other).front().path)) == 0);
  // What a crash left beside is no snapshot.
  replace_file(file, whole).value();
  replace_file(file.string() + ".new", whole.substr(0, 100)).value();
  CHECK(list_snapshots(layout).size() == 1);
}

TEST_CASE("only the newest snapshots are kept, and none holds a name", "[store]") {
  const Scratch scratch;
  const auto layout = test::make_store(scratch.path(), 200, 8);
  for (int i = 0; i < 4; ++i) {
    {
      const auto writer = open_store(layout).value();
      test::fill(*writer, 20, static_cast<std::uint64_t>(i), writer->state().at);
    }
    (void)snap(layout, 2);
    CHECK(list_snapshots(layout).size() ==
          std::min<std::size_t>(2, static_cast<std::size_t>(i) + 1));
  }
  const auto reader = replay::Reader::open(layout).value();
  for (UserNumber user = 1; user < reader.vault()->users(); ++user)
    CHECK_FALSE(test::any_file_holds(layout.snapshots(), reader.user_text(user)));
}
