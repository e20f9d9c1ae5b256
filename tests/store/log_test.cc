// The log and the writer: what is durable, what opening refuses, what a crash may leave.
#include "store/log/log.h"

#include "store/bytes/files.h"
#include "store/log/state_digest.h"
#include "store/open_store.h"
#include "tests/support/raw_log.h"
#include "tests/support/stores.h"

#include <catch2/catch.hpp>

#include <cstddef>
#include <cstdlib>
#include <map>

using namespace rollcall;
using namespace rollcall::store;
using test::Scratch;

TEST_CASE("what was appended is there after reopening, with the same root", "[store]") {
  const Scratch scratch;
  const auto layout = test::make_store(scratch.path(), 700, 3);
  Hash root;
  Seq last = 0;
  {
    const auto writer = open_store(layout).value();
    root = writer->log().root();
    last = writer->log().last();
  }
  const auto log = Log::open(layout, Log::Mode::Read).value();
  CHECK(log->last() == last);
  CHECK(log->root_at(last).value() == root);
  merkle::CompactRange range;
  std::map<Seq, Hash> roots;
  log->scan(1, last,
            [&](const Header& h, ByteView leaf) {
              range.append(merkle::leaf_hash(leaf));
              roots[h.seq] = range.root();
              return true;
            })
      .value();
  for (const Seq size :
       {Seq{1}, Seq{2}, Seq{255}, Seq{256}, Seq{257}, Seq{511}, Seq{512}, last - 1, last})
    CHECK(log->root_at(size).value() == roots[size]);
}

TEST_CASE("two writers cannot open one log, and a reader can beside a writer", "[store]") {
  const Scratch scratch;
  const auto layout = test::make_store(scratch.path(), 50, 3);
  const auto writer = open_store(layout).value();
  const auto second = open_store(layout);
  REQUIRE_FALSE(second);
  CHECK(second.error().code == Errc::Conflict);
  const auto reader = Log::open(layout, Log::Mode::Read).value();
  CHECK(reader->last() == writer->log().last());
  const auto follower = Log::open(layout, Log::Mode::Follow).value();
  test::fill(*writer, 10, 4, writer->state().at);
  CHECK(follower->last() < writer->log().last());
  follower->catch_up().value();
  CHECK(follower->last() == writer->log().last());
}

TEST_CASE("a reader writes nothing, neither beside the log nor in the temporary folder",
          "[store]") {
  const Scratch scratch, temporary;
  const auto layout = test::make_store(scratch.path(), 50, 3);
  const auto files = [&] {
    std::map<std::filesystem::path, std::filesystem::file_time_type> out;
    for (const auto* folder : {&scratch.path(), &temporary.path()})
      for (const auto& entry : std::filesystem::recursive_directory_iterator(*folder))
        out[entry.path()] = entry.last_write_time();
    return out;
  };
  const char* usual = std::getenv("TMPDIR");
  const std::string before = usual != nullptr ? usual : "";
  ::setenv("TMPDIR", temporary.path().c_str(), 1);
  {
    const auto unread = files();
    const auto alone = Log::open(layout, Log::Mode::Read).value();
    CHECK(alone->last() > 0);
    CHECK(files() == unread);
  }
  {
    const auto writer = open_store(layout).value();
    const auto unread = files();
    const auto beside = Log::open(layout, Log::Mode::Read).value();
    const auto follower = Log::open(layout, Log::Mode::Follow).value();
    follower->catch_up().value();
    CHECK(beside->last() == writer->log().last());
    CHECK(files() == unread);
  }
  usual != nullptr ? ::setenv("TMPDIR", before.c_str(), 1) : ::unsetenv("TMPDIR");
}

TEST_CASE("a store opens for writing only where its root fits the last signed checkpoint",
          "[store]") {
  const Scratch scratch;
  const auto layout = test::make_store(scratch.path(), 600, 5);
  SECTION("a changed header below the checkpoint is refused") {
    {
      test::RawLog log(layout);
      auto records = log.dump("log");
      auto& [key, value] = records.back();
      value[value.size() - 40] ^= 1;
      log.put("log", key, value);
    }
    const auto writer = open_store(layout);
    REQUIRE_FALSE(writer);
    CHECK(writer.error().code == Errc::Tampered);
  }
  SECTION("a checkpoint over more than the log holds is refused") {
    const auto signer = signing_key(layout).value();
    note::Note made{note::render(note::Checkpoint{signer.name, 1'000'000, Hash{}}), {}};
    made.signatures.push_back(note::sign(made.text, signer));
    replace_file(layout.checkpoint(), note::render(made)).value();
    const auto writer = open_store(layout);
    REQUIRE_FALSE(writer);
    CHECK(writer.error().detail.find("are gone") != std::string::npos);
  }
  SECTION("a damaged copy of the checkpoint is no evidence") {
    replace_file(layout.checkpoint(), "nonsense\n").value();
    CHECK(open_store(layout));
  }
}

TEST_CASE("an entry that claims another place is named, whichever way the log is read", "[store]") {
  const Scratch scratch;
  const auto layout = test::make_store(scratch.path(), 300, 5);
  {
    test::RawLog raw(layout);
    for (auto& [key, value] : raw.dump("log")) {
      const Seq first = get_be64(as_bytes(key));
      if (first > 200 || first + RecordView::open(as_bytes(value)).value().count() <= 200) continue;
      value[kRecordPrefix + (200 - first) * kHeaderSize + offsetof(Header, seq)] ^= 1;
      raw.put("log", key, value);
    }
  }
  const auto log = Log::open(layout, Log::Mode::Read).value();
  const auto all = [](const Header&, ByteView) { return true; };
  for (const auto& read : {log->scan(1, 300, all), log->scan_back(1, 300, all)}) {
    REQUIRE_FALSE(read);
    CHECK(read.error().code == Errc::Tampered);
    CHECK(read.error().detail == "seq 200: the entry in its place says it is 201");
  }
  CHECK_FALSE(log->header(200));
}

TEST_CASE("signing the same size twice gives the same checkpoint", "[store]") {
  const Scratch scratch;
  const auto layout = test::make_store(scratch.path(), 100, 5);
  const auto writer = open_store(layout).value();
  const auto first = writer->sign(writer->state().at).value();
  const auto second = writer->sign(writer->state().at).value();
  CHECK(note::render(first.note) == note::render(second.note));
}

TEST_CASE("damage inside the write-ahead log refuses, a torn tail does not", "[store]") {
  const Scratch scratch;
  const auto layout = test::layout_in(scratch.path());
  std::filesystem::path wal;
  {
    // A writer that dies: the folder is copied while it is open, so there is no clean close.
    const auto writer = Writer::create(layout, "rollcall.test/log").value();
    test::fill(*writer, 400, 6);
    std::filesystem::create_directories(scratch.path() / "crashed");
    test::copy_tree(scratch.path() / "apps", scratch.path() / "crashed" / "apps");
  }
  const auto crashed = test::layout_in(scratch.path() / "crashed");
  for (const auto& entry : std::filesystem::directory_iterator(crashed.log())) {
    if (entry.path().extension() == ".log" && entry.file_size() > 0) wal = entry.path();
  }
  REQUIRE_FALSE(wal.empty());
  const std::string whole = test::slurp(wal);
  // Beside the signed checkpoint a cut tail is a loss that is told; without one it is a crash.
  std::filesystem::remove(crashed.checkpoint());
  SECTION("one byte flipped in the middle") {
    std::string bad = whole;
    bad[bad.size() / 2] ^= 1;
    replace_file(wal, bad).value();
    const auto opened = Log::open(crashed, Log::Mode::Write);
    REQUIRE_FALSE(opened);
    CHECK(opened.error().code == Errc::Tampered);
  }
  SECTION("the tail cut") {
    replace_file(wal, whole.substr(0, whole.size() - 7)).value();
    CHECK(Log::open(crashed, Log::Mode::Write));
  }
  SECTION("the tail lost in a longer file, as after a power cut") {
    std::string bad = whole.substr(0, whole.size() - 7) + std::string(4096, '\0');
    replace_file(wal, bad).value();
    CHECK(Log::open(crashed, Log::Mode::Write));
  }
}

TEST_CASE("names that a crash left without an event are dropped", "[store]") {
  const Scratch scratch;
  const auto layout = test::make_store(scratch.path(), 50, 3);
  UserNumber next = 0;
  {
    const auto writer = open_store(layout).value();
    next = static_cast<UserNumber>(writer->state().users.size());
    writer->vault().enroll(next, "ghost");
    writer->vault().sync().value();
  }
  const auto writer = open_store(layout).value();
  CHECK_FALSE(writer->vault().number_of("ghost"));
}

TEST_CASE("a vault that lacks a user of the log is refused", "[store]") {
  const Scratch scratch;
  const auto layout = test::make_store(scratch.path(), 50, 3);
  const auto file = layout.vault() / "records";
  const std::string whole = test::slurp(file);
  replace_file(file, whole.substr(0, whole.size() - 30)).value();
  const auto writer = open_store(layout);
  REQUIRE_FALSE(writer);
  CHECK(writer.error().code == Errc::Incomplete);
}

TEST_CASE("a replay from any prefix goes on to the same digest", "[store][property]") {
  const Scratch scratch;
  const auto layout = test::make_store(scratch.path(), 800, 9);
  const auto log = Log::open(layout, Log::Mode::Read).value();
  Fold whole;
  whole.advance(*log, log->last()).value();
  const Hash expected = digest_of(whole.state);
  for (const Seq cut : {Seq{0}, Seq{1}, Seq{100}, Seq{333}, log->last() - 1}) {
    Fold fold;
    fold.advance(*log, cut).value();
    StateDigester incremental;
    (void)incremental.root(fold.state);
    fold.advance(*log, log->last()).value();
    CHECK(incremental.root(fold.state) == expected);
  }
}
