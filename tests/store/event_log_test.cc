// What store/log/event_log.h promises, asked of everything that promises it.
#include "store/log/event_log.h"

#include "store/bytes/files.h"
#include "store/log/codec.h"
#include "store/log/faulty_log.h"
#include "store/log/log.h"
#include "store/log/memory_log.h"
#include "tests/support/failing_disk.h"
#include "tests/support/stores.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <map>
#include <thread>

using namespace rollcall;
using namespace rollcall::store;
using How = Faults::How;

namespace {

const std::array kFaulty{"faulty over RocksDB", "faulty over memory"};
const std::array kAll{"RocksDB", "memory", "faulty over RocksDB", "faulty over memory"};

/// A log of one of these kinds, closed and opened as often as a test wants.
class Subject {
 public:
  explicit Subject(const std::string& kind)
      : layout(test::layout_in(scratch_.path())),
        inner_(kind.ends_with("RocksDB") ? on_disk() : memory_),
        faulty_(inner_, faults),
        medium_(kind.starts_with("faulty") ? faulty_ : inner_) {
    log = medium_.create_log(layout, "rollcall.test/log").value();
  }

  void reopen() {
    log.reset();
    log = medium_.open_log(layout).value();
  }
  [[nodiscard]] Result<std::unique_ptr<EventLog>> open_again() { return medium_.open_log(layout); }

 private:
  test::Scratch scratch_;
  InMemory memory_;

 public:
  Layout layout;
  Faults faults;

 private:
  Medium& inner_;
  FaultyMedium faulty_;
  Medium& medium_;

 public:
  std::unique_ptr<EventLog> log;
};

/// Everything that was committed, in the simplest form.
struct Model {
  std::vector<Header> headers;
  std::map<Seq, Bytes> bodies;
  std::map<std::string, std::string> meta{{"origin", "rollcall.test/log"}};

  /// The next `count` events, every third with a body, and two meta values.
  [[nodiscard]] Commit next(std::size_t count) const {
    Commit commit;
    for (std::size_t i = 0; i < count; ++i) {
      Header h;
      h.kind = engine::Kind::Activity;
      h.seq = headers.size() + 1 + i;
      h.user = static_cast<UserNumber>(h.seq % 7);
      h.at = test::kStart + static_cast<engine::Micros>(h.seq / 2) * test::kSecond;
      commit.headers.push_back(h);
      if (h.seq % 3 == 0)
        commit.bodies.emplace_back(h.seq, Bytes(h.seq % 50 + 1, static_cast<std::uint8_t>(h.seq)));
    }
    commit.meta = {{"cursor", std::to_string(headers.size() + count)},
                   {"at/" + std::to_string(1000 + headers.size() + count), "x"}};
    return commit;
  }
  void take(const Commit& commit) {
    headers.insert(headers.end(), commit.headers.begin(), commit.headers.end());
    for (const auto& [seq, sealed] : commit.bodies) bodies[seq] = sealed;
    for (const auto& key : commit.meta_gone) meta.erase(key);
    for (const auto& [key, value] : commit.meta) meta[key] = value;
  }
};

std::vector<Seq> seqs(const EventLog& log, Seq from, Seq to, std::size_t most = ~std::size_t{0},
                      bool back = false) {
  std::vector<Seq> out;
  const auto visit = [&](const Header& h, ByteView leaf) {
    CHECK(decode_header(leaf) == h);
    out.push_back(h.seq);
    return out.size() < most;
  };
  (back ? log.scan_back(from, to, visit) : log.scan(from, to, visit)).value();
  return out;
}

std::vector<Seq> counted(Seq from, Seq to) {
  std::vector<Seq> out;
  for (Seq seq = from; seq <= to; ++seq) out.push_back(seq);
  return out;
}

/// Headers, bodies, meta and tree of the log are those of the model, neither more nor less.
void same(const EventLog& log, const Model& model) {
  const Seq last = model.headers.size();
  REQUIRE(log.last() == last);
  merkle::CompactRange range;
  std::vector<std::uint64_t> marks;
  Seq next = 1;
  log.scan(1, last + 10,
           [&](const Header& h, ByteView leaf) {
             CHECK(h == model.headers[next - 1]);
             const Hash hash = merkle::leaf_hash(leaf);
             marks.push_back(get_be64(hash));
             range.append(hash, [&](merkle::NodeId id, const Hash& node) {
               if (id.level >= EventLog::kStoredLevel) CHECK(log.stored_node(id).value() == node);
             });
             CHECK(next++ == h.seq);
             return true;
           })
      .value();
  CHECK(next == last + 1);
  CHECK(log.root() == range.root());
  CHECK(log.root_at(last).value() == range.root());
  CHECK(log.leaf_marks(1, last).value() == marks);
  CHECK_FALSE(log.stored_node({EventLog::kStoredLevel, last >> 8}).value());
  std::map<Seq, Bytes> bodies;
  log.scan_bodies(0, last + 1000,
                  [&](Seq seq, ByteView sealed) {
                    bodies[seq] = Bytes(sealed.begin(), sealed.end());
                    return true;
                  })
      .value();
  CHECK(bodies == model.bodies);
  std::map<std::string, std::string> meta;
  for (auto& [key, value] : log.scan_meta("").value()) meta[key] = value;
  meta.erase("format");  // RocksDB's own
  CHECK(meta == model.meta);
}

}  // namespace

TEST_CASE("a log gives back what was committed, in order, and again after reopening", "[store]") {
  const std::string kind = GENERATE(from_range(kAll));
  INFO(kind);
  Subject subject(kind);
  Model model;
  same(*subject.log, model);
  for (const std::size_t size : {1, 3, 64, 65, 130, 1, 300, 600}) {
    const Commit commit = model.next(size);
    const auto appended = subject.log->append(commit);
    CHECK(appended.fate() == Fate::Durable);
    model.take(commit);
  }
  const Seq last = model.headers.size();
  for (int open = 0; open < 2; ++open) {
    const EventLog& log = *subject.log;
    same(log, model);
    CHECK(log.origin() == "rollcall.test/log");
    CHECK(log.writable());
    CHECK_FALSE(log.failed());
    // Ranges: inclusive, cut to what is there, stopped by the visitor; in both directions.
    for (const auto& [from, to] : std::vector<std::pair<Seq, Seq>>{
             {1, 1}, {2, 4}, {60, 70}, {68, 68}, {1, last}, {200, 599}, {last, last}}) {
      CHECK(seqs(log, from, to) == counted(from, to));
      auto back = counted(from, to);
      std::reverse(back.begin(), back.end());
      CHECK(seqs(log, from, to, ~std::size_t{0}, true) == back);
    }
    CHECK(seqs(log, 0, 2) == counted(1, 2));
    CHECK(seqs(log, 0, 2, 9, true) == std::vector<Seq>{2, 1});
    CHECK(seqs(log, last, last + 50) == counted(last, last));
    CHECK(seqs(log, last, last + 50, 9, true) == counted(last, last));
    CHECK(seqs(log, last + 1, last + 50).empty());
    CHECK(seqs(log, last + 1, last + 50, 9, true).empty());
    CHECK(seqs(log, 9, 8).empty());
    CHECK(seqs(log, 10, last, 5) == counted(10, 14));
    CHECK(seqs(log, 10, 20, 2, true) == std::vector<Seq>{20, 19});
    CHECK(log.header(70).value() == model.headers[69]);
    CHECK_FALSE(log.header(last + 1).value());
    CHECK(log.leaf(70).value() == encode_header(model.headers[69]));
    // Bodies.
    CHECK(log.body(9).value() == model.bodies.at(9));
    CHECK_FALSE(log.body(10).value());
    std::vector<Seq> with_body;
    log.scan_bodies(7, 16,
                    [&](Seq seq, ByteView) {
                      with_body.push_back(seq);
                      return seq < 12;
                    })
        .value();
    CHECK(with_body == std::vector<Seq>{9, 12});
    // Meta.
    CHECK(log.meta("cursor").value() == std::to_string(last));
    CHECK_FALSE(log.meta("nothing").value());
    CHECK(log.scan_meta("at/").value().size() == 8);
    const auto from = log.scan_meta("at/", "at/1068", 2).value();
    REQUIRE(from.size() == 2);
    CHECK(from[0].first == "at/1068");
    CHECK(from[1].first == "at/1133");
    CHECK(log.last_meta("at/").value()->first == "at/" + std::to_string(1000 + last));
    CHECK_FALSE(log.last_meta("b/").value());
    CHECK_FALSE(log.last_meta("a/").value());
    // Roots of any size, and times: two events a second.
    merkle::CompactRange range;
    for (Seq seq = 1; seq <= last; ++seq) {
      range.append(merkle::leaf_hash(encode_header(model.headers[seq - 1])));
      if (seq == 1 || seq == 255 || seq == 256 || seq == 257 || seq == 1000)
        CHECK(log.root_at(seq).value() == range.root());
    }
    CHECK(log.seq_at(0).value() == 1);
    CHECK(log.seq_at(test::kStart + 50 * test::kSecond).value() == 100);
    CHECK(log.seq_at(test::kStart + 50 * test::kSecond + 1).value() == 102);
    CHECK(log.seq_at(test::kStart * 2).value() == last + 1);
    subject.reopen();
  }
  // And goes on where it was.
  const Commit more = model.next(70);
  subject.log->append(more).value();
  model.take(more);
  same(*subject.log, model);
}

TEST_CASE("a log has one writer, and is there or not", "[store]") {
  const std::string kind = GENERATE(from_range(kAll));
  INFO(kind);
  Subject subject(kind);
  const auto second = subject.open_again();
  REQUIRE_FALSE(second);
  CHECK(second.error().code == Errc::Conflict);
  subject.reopen();
  Medium nowhere;
  InMemory forgotten;
  const test::Scratch scratch;
  for (Medium* medium : std::array<Medium*, 2>{&nowhere, &forgotten}) {
    const auto layout = test::layout_in(scratch.path());
    CHECK_FALSE(medium->has_log(layout));
    const auto opened = medium->open_log(layout);
    REQUIRE_FALSE(opened);
    CHECK(opened.error().code == Errc::NotFound);
  }
}

TEST_CASE("a commit that does not follow the log is refused, and leaves nothing", "[store]") {
  const std::string kind = GENERATE(from_range(kAll));
  INFO(kind);
  Subject subject(kind);
  Model model;
  const Commit first = model.next(255);
  subject.log->append(first).value();
  model.take(first);
  for (const int by : {-1, 1}) {
    Commit wrong = model.next(5);
    for (Header& h : wrong.headers) h.seq = h.seq + static_cast<Seq>(by);
    const auto refused = subject.log->append(wrong);
    CHECK(refused.fate() == Fate::Refused);
    CHECK(refused.error().code == Errc::Conflict);
    CHECK(refused.error().detail.find("expected 256, found " + std::to_string(256 + by)) !=
          std::string::npos);
  }
  Commit hole = model.next(5);
  hole.headers.erase(hole.headers.begin() + 2);
  CHECK(subject.log->append(hole).fate() == Fate::Refused);
  CHECK_FALSE(subject.log->failed());
  same(*subject.log, model);
  const Commit next = model.next(3);
  subject.log->append(next).value();
  model.take(next);
  same(*subject.log, model);
  subject.reopen();
  same(*subject.log, model);
}

TEST_CASE("meta values are deleted before others are written, in the same commit", "[store]") {
  const std::string kind = GENERATE(from_range(kAll));
  INFO(kind);
  Subject subject(kind);
  EventLog& log = *subject.log;
  log.put_meta("a", "1").value();
  log.put_meta("b", "1").value();
  Commit commit;
  commit.meta_gone = {"a", "b", "never"};
  commit.meta = {{"b", "2"}, {"c", ""}};
  log.append(commit).value();
  subject.reopen();
  CHECK_FALSE(subject.log->meta("a").value());
  CHECK(subject.log->meta("b").value() == "2");
  CHECK(subject.log->meta("c").value() == "");
  subject.log->delete_meta("b").value();
  CHECK_FALSE(subject.log->meta("b").value());
  CHECK(subject.log->last() == 0);
}

TEST_CASE("bodies that are dropped are gone for good, their events are not", "[store]") {
  const std::string kind = GENERATE(from_range(kAll));
  INFO(kind);
  Subject subject(kind);
  Model model;
  const Commit commit = model.next(300);
  subject.log->append(commit).value();
  model.take(commit);
  subject.log->drop_bodies(std::array<Seq, 3>{3, 150, 151}).value();
  subject.log->compact_bodies().value();
  model.bodies.erase(3);
  model.bodies.erase(150);
  same(*subject.log, model);
  subject.reopen();
  same(*subject.log, model);
}

TEST_CASE("a commit whose fate is unknown is there whole or not at all after reopening",
          "[store][crash]") {
  const std::string kind = GENERATE(from_range(kFaulty));
  const How how = GENERATE(How::Tear, How::Late, How::Crash);
  INFO(kind << ", how " << static_cast<int>(how));
  Subject subject(kind);
  Model model;
  const Commit first = model.next(200);
  subject.log->append(first).value();
  model.take(first);
  const Commit second = model.next(200);  // completes a node of the tree
  subject.faults.fail(1, how);
  const auto appended = subject.log->append(second);
  CHECK(appended.fate() == Fate::Unknown);
  CHECK(subject.log->failed());
  same(*subject.log, model);  // nothing of it is seen before the log is opened anew
  CHECK(subject.log->append(second).fate() == Fate::Refused);
  CHECK_FALSE(subject.log->put_meta("after", "it"));
  CHECK_FALSE(subject.log->sync());
  CHECK_FALSE(subject.log->drop_bodies(std::array<Seq, 1>{3}));
  subject.reopen();
  if (how == How::Late) model.take(second);
  same(*subject.log, model);
}

TEST_CASE("a commit that a disk refuses leaves nothing, and the log goes on", "[store][crash]") {
  const std::string kind = GENERATE(from_range(kFaulty));
  INFO(kind);
  Subject subject(kind);
  Model model;
  const Commit first = model.next(260);
  subject.faults.fail(1, How::Refuse);
  CHECK(subject.log->append(first).fate() == Fate::Refused);
  CHECK_FALSE(subject.log->failed());
  same(*subject.log, model);
  subject.log->append(first).value();
  model.take(first);
  subject.reopen();
  same(*subject.log, model);
}

TEST_CASE("what was not synced is seen, and forgotten at a crash", "[store][crash]") {
  const std::string kind = GENERATE(from_range(kFaulty));
  INFO(kind);
  Subject subject(kind);
  Model synced, seen;
  const auto append = [&](Durable durable) {
    const Commit commit = seen.next(130);
    subject.log->append(commit, durable).value();
    seen.take(commit);
    same(*subject.log, seen);
  };
  append(Durable::Yes);
  synced = seen;
  append(Durable::No);
  append(Durable::No);
  SECTION("a crash") {
    subject.faults.fail(1, How::Crash);
    CHECK_FALSE(subject.log->sync());
    subject.reopen();
    same(*subject.log, synced);
  }
  SECTION("a sync, then a crash") {
    subject.log->sync().value();
    synced = seen;
    append(Durable::No);
    subject.faults.fail(1, How::Crash);
    CHECK_FALSE(subject.log->put_meta("never", "there"));
    subject.reopen();
    same(*subject.log, synced);
  }
  SECTION("a later commit that is synced takes it along") {
    append(Durable::Yes);
    subject.faults.fail(1, How::Crash);
    CHECK_FALSE(subject.log->sync());
    subject.reopen();
    same(*subject.log, seen);
  }
  SECTION("a clean close") {
    subject.reopen();
    same(*subject.log, seen);
  }
}

TEST_CASE("RocksDB: a torn commit is not there at all, one that arrived unnoticed is whole",
          "[store][crash]") {
  Subject subject("RocksDB");
  Model model;
  const Commit first = model.next(200);
  subject.log->append(first).value();
  model.take(first);
  const Commit second = model.next(200);
  SECTION("torn") {
    subject.log->append(second).value();
    const test::Scratch elsewhere;
    std::filesystem::create_directories(elsewhere.path() / "apps");
    test::copy_tree(subject.layout.app_dir, elsewhere.path() / "apps" / "main");
    const auto crashed = test::layout_in(elsewhere.path());
    std::filesystem::path wal;
    for (const auto& entry : std::filesystem::directory_iterator(crashed.log()))
      if (entry.path().extension() == ".log" && entry.file_size() > 0) wal = entry.path();
    REQUIRE_FALSE(wal.empty());
    const std::string whole = test::slurp(wal);
    for (const std::size_t lost : {std::size_t{1}, std::size_t{5000}, std::size_t{20'000}}) {
      const test::Scratch once;
      std::filesystem::create_directories(once.path() / "apps");
      test::copy_tree(crashed.app_dir, once.path() / "apps" / "main");
      const auto layout = test::layout_in(once.path());
      replace_file(layout.log() / wal.filename(), whole.substr(0, whole.size() - lost)).value();
      same(*Log::open(layout, Log::Mode::Write).value(), model);
    }
  }
  SECTION("a sync that reports an error although the data arrived") {
    test::fail_syncs(".log", 1);
    const auto appended = subject.log->append(second);
    REQUIRE(test::syncs_left_to_fail() == 0);
    CHECK(appended.fate() == Fate::Unknown);
    CHECK(subject.log->failed());
    CHECK(subject.log->last() == 200);
    CHECK(subject.log->append(second).fate() == Fate::Refused);
    subject.reopen();
    model.take(second);
    same(*subject.log, model);
  }
}

TEST_CASE("readers of a log in memory see whole commits beside its writer", "[store]") {
  Subject subject("memory");
  Model model;
  std::atomic<bool> stop = false;
  std::thread reading([&] {
    while (!stop) {
      const Seq last = subject.log->last();
      Seq seen = 0;
      subject.log->scan(1, last, [&](const Header& h, ByteView) { return ++seen == h.seq; })
          .value();
      if (seen != last) stop = true;
    }
  });
  for (int i = 0; i < 200; ++i) {
    const Commit commit = model.next(static_cast<std::size_t>(i % 40 + 1));
    subject.log->append(commit).value();
    model.take(commit);
  }
  CHECK_FALSE(stop.exchange(true));
  reading.join();
}
