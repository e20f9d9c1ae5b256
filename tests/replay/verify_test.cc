// Verification finds every flipped byte that matters, and never calls a wrong answer verified.
#include "replay/verify.h"

#include "replay/event_json.h"
#include "store/backup.h"
#include "store/bytes/files.h"
#include "store/forget.h"
#include "store/log/newest_events.h"
#include "store/log/snapshot.h"
#include "store/open_store.h"
#include "tests/support/raw_log.h"
#include "tests/support/stores.h"

#include <boost/json.hpp>
#include <catch2/catch.hpp>

#include <atomic>
#include <thread>

using namespace rollcall;
using replay::Verdict;
using store::Layout;
using store::Log;
using test::Scratch;

namespace {

replay::VerifyReport verify(const Layout& layout, bool full = true) {
  replay::VerifyOptions options;
  options.full = full;
  options.replay = full;
  return replay::verify_store(layout, options);
}

/// Every answer the store gives: all events with their texts, and the state at the end.
std::string answers(const Layout& layout) {
  const auto reader = replay::Reader::open(layout);
  if (!reader) return "cannot open";
  std::string out;
  const auto done =
      reader->log().scan(1, reader->last(), [&](const engine::Header& h, store::ByteView leaf) {
        out.append(store::as_text(leaf));
        out += boost::json::serialize(replay::to_json(replay::view_of(*reader, h)));
        return true;
      });
  return done ? store::hex(store::sha256({store::as_bytes(out)})) : "cannot read";
}

/// How much of the IRC file: all of it where the flips run at their full count.
std::uint64_t lines() { return test::rounds(20) > 20 ? 0 : 20'000; }

/// The events that an entry of the database is about, first and last.
std::pair<engine::Seq, engine::Seq> covered(const std::string& family, const std::string& key,
                                            const std::string& value) {
  const auto bytes = store::as_bytes(key);
  if (family == "body") return {store::get_be64(bytes), store::get_be64(bytes)};
  if (family == "log") {
    const auto first = store::get_be64(bytes);
    return {first, first + store::RecordView::open(store::as_bytes(value)).value().count() - 1};
  }
  const unsigned level = bytes[0];
  const auto index = store::get_be64(bytes.subspan(1));
  if (level == 0) return {index, index + value.size() / 8 - 1};  // leaf marks of a record
  return {(index << level) + 1, (index + 1) << level};
}

std::string told(const replay::VerifyReport& report) {
  std::string out;
  for (const auto& f : report.findings) out += f.text + "\n";
  return out;
}

}  // namespace

TEST_CASE("an untouched store verifies, quick, full and replayed", "[replay]") {
  const Scratch scratch;
  const auto layout = test::make_store(scratch.path(), 1500, 41);
  CHECK(verify(layout, false).verdict() == Verdict::Verified);
  const auto report = verify(layout);
  INFO(told(report));
  CHECK(report.verdict() == Verdict::Verified);
  CHECK(report.bodies_opened > 1000);
}

TEST_CASE("verification pins a size and works while a writer appends", "[replay]") {
  const Scratch scratch;
  const auto layout = test::make_store(scratch.path(), 500, 42);
  const auto writer = store::open_store(layout).value();
  for (int i = 0; i < 5; ++i) {
    test::fill(*writer, 200, 43, writer->state().at);
    const auto report = verify(layout);
    INFO(told(report));
    CHECK(report.verdict() == Verdict::Verified);
    CHECK(report.size == writer->log().last());
  }
}

TEST_CASE("verification beside a writer that signs and forgets is never wrong", "[replay]") {
  const Scratch scratch;
  const auto layout = test::make_store(scratch.path(), 300, 48);
  std::atomic<bool> stop{false};
  std::thread writing([&] {
    for (store::UserNumber user = 1; !stop; ++user) {
      const auto writer = store::open_store(layout).value();  // opened and closed again and again
      test::fill(*writer, 20, user, writer->state().at);
      if (user <= 5) {
        store::forget(*writer, store::plan_forget(*writer, user), {"r", "", false},
                      writer->state().at)
            .value();
      }
    }
  });
  for (int i = 0; i < 25; ++i) {
    const auto report = verify(layout);
    INFO(told(report));
    CHECK(report.verdict() == Verdict::Verified);
  }
  stop = true;
  writing.join();
}

TEST_CASE("one byte flipped through the database is named, whatever it was", "[replay][property]") {
  const std::uint64_t seed = test::test_seed();
  INFO("reproduce with ROLLCALL_SEED=" << seed);
  std::mt19937_64 rng{seed};
  const Scratch scratch;
  const auto layout = test::make_real_store(scratch.path() / "good", lines());
  const std::string right = answers(layout);
  struct Place {
    std::string family, key, value;
  };
  std::vector<Place> places;
  {
    test::RawLog log(layout);
    for (const char* family : {"log", "body", "tree", "meta"}) {
      for (auto& [key, value] : log.dump(family)) places.push_back({family, key, value});
    }
  }
  std::map<std::string, std::vector<std::size_t>> by_family;
  for (std::size_t i = 0; i < places.size(); ++i) by_family[places[i].family].push_back(i);
  int named = 0;
  const int n = test::rounds(20);
  for (int round = 0; round < n; ++round) {
    // Families in turn, so that the small ones are hit, too.
    const char* family = std::array{
        "log", "body", "log", "tree", "body", "meta"}[static_cast<std::size_t>(round) % 6];
    const auto& candidates = by_family[family];
    const Place& place = places[candidates[test::below(rng, candidates.size())]];
    std::string value = place.value;
    const std::size_t at = test::below(rng, value.size());
    value[at] = static_cast<char>(value[at] ^ (1 << test::below(rng, 8)));
    // On a copy: a damaged format could not be opened again to mend it.
    test::copy_tree(scratch.path() / "good", scratch.path() / "bad");
    const auto bad = test::layout_in(scratch.path() / "bad");
    test::RawLog(bad).put(place.family, place.key, value);
    const auto report = verify(bad);
    INFO(place.family << " byte " << at << " of the value of key "
                      << store::hex(store::as_bytes(place.key)) << ": " << told(report));
    if (report.verdict() == Verdict::Verified) {
      CHECK(answers(bad) == right);
      CHECK(place.family == "meta");  // a cursor or setting is no evidence
    } else {
      CHECK((report.verdict() == Verdict::Tampered || report.verdict() == Verdict::Incomplete));
      if (place.family != "meta") {
        REQUIRE_FALSE(report.findings.empty());
        const auto& f = report.findings.front();
        // The event it names is the damaged one, or lies in the record or subtree that was damaged.
        const auto [first, last] = covered(place.family, place.key, place.value);
        CHECK(f.seq >= first);
        CHECK(f.seq <= last);
        ++named;
      }
    }
  }
  CHECK(named > 0);
}

TEST_CASE("a changed header is named to the event, and its neighbours are not", "[replay]") {
  const Scratch scratch;
  const auto layout = test::make_store(scratch.path(), 1000, 44);
  {
    test::RawLog log(layout);
    for (auto& [key, value] : log.dump("log")) {
      const auto first = store::get_be64(store::as_bytes(key));
      const auto record = store::RecordView::open(store::as_bytes(value)).value();
      if (first > 500 || first + record.count() <= 500) continue;
      value[store::kRecordPrefix + (500 - first) * store::kHeaderSize + 64] ^=
          1;  // field c of event 500
      log.put("log", key, value);
    }
  }
  const auto report = verify(layout);
  CHECK(report.verdict() == Verdict::Tampered);
  REQUIRE_FALSE(report.findings.empty());
  for (const auto& f : report.findings) {
    if (f.seq != 0) CHECK(f.seq == 500);
  }
}

TEST_CASE("one byte flipped in a file is named, or stops the reading, or is no evidence",
          "[replay][property]") {
  const std::uint64_t seed = test::test_seed();
  INFO("reproduce with ROLLCALL_SEED=" << seed);
  std::mt19937_64 rng{seed};
  const Scratch scratch;
  const auto layout = test::make_real_store(scratch.path() / "good", lines());
  const std::string right = answers(layout);
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(layout.app_dir)) {
    if (entry.is_regular_file() && entry.file_size() > 0)
      files.push_back(std::filesystem::relative(entry.path(), scratch.path() / "good"));
  }
  const int n = test::rounds(20);
  for (int round = 0; round < n; ++round) {
    test::copy_tree(scratch.path() / "good", scratch.path() / "bad");
    const auto bad = test::layout_in(scratch.path() / "bad");
    const auto file = scratch.path() / "bad" / files[test::below(rng, files.size())];
    std::string content = test::slurp(file);
    const std::size_t at = test::below(rng, content.size());
    content[at] = static_cast<char>(content[at] ^ (1 << test::below(rng, 8)));
    store::replace_file(file, content).value();
    const auto report = verify(bad);
    INFO(file.string() << " byte " << at << ": " << told(report));
    if (report.verdict() == Verdict::Verified) {
      CHECK(answers(bad) == right);
    } else {
      CHECK((report.verdict() == Verdict::Tampered || report.verdict() == Verdict::Incomplete));
      CHECK_FALSE(report.findings.empty());
    }
  }
}

TEST_CASE("a flipped byte in any file beside the log is named with its file, though the log stands",
          "[replay][property]") {
  const std::uint64_t seed = test::test_seed();
  INFO("reproduce with ROLLCALL_SEED=" << seed);
  std::mt19937_64 rng{seed};
  const Scratch scratch;
  const auto layout = test::make_store(scratch.path() / "good", 400, 57);
  {
    const auto writer = store::open_store(layout).value();
    store::forget(*writer, store::plan_forget(*writer, 3), {"r", "", false}, writer->state().at)
        .value();
    store::PolicyFile policy = store::store_policy(layout).value();
    const store::note::Signer witness{"witness.test/w1", store::note::Algorithm::Cosignature,
                                      store::random_key()};
    policy.witnesses.push_back({"w1", witness.verifier(), "http://127.0.0.1:1"});
    store::write_policy(layout, policy).value();
    const std::array lines{
        store::note::sign(store::newest_checkpoint(writer->log(), layout).value().newest->note.text,
                          witness, 1'700'000'000)};
    store::add_cosignatures(writer->log(), layout,
                            *store::newest_checkpoint(writer->log(), layout).value().newest, lines)
        .value();
    store::make_snapshot(layout, writer->log(), 3).value();
    store::NewestEvents::write(layout, writer->log(), writer->state(), writer->census()).value();
  }
  store::create_backup(layout, {scratch.path() / "backups", "b", "t", scratch.path() / "vaults"})
      .value();
  {
    const auto report = verify(layout);
    INFO(told(report));
    REQUIRE(report.verdict() == Verdict::Verified);
  }
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(layout.app_dir)) {
    const auto file = std::filesystem::relative(entry.path(), scratch.path() / "good");
    if (entry.is_regular_file() && entry.file_size() > 0 &&
        file.string().find("/log/") == std::string::npos)
      files.push_back(file);
  }
  CHECK(files.size() >= 10);
  for (const auto& relative : files) {
    for (int round = 0; round < test::rounds(6); ++round) {
      test::copy_tree(scratch.path() / "good", scratch.path() / "bad");
      const auto bad = test::layout_in(scratch.path() / "bad");
      const auto file = scratch.path() / "bad" / relative;
      const std::string before = test::slurp(file);
      std::string content = before;
      const std::size_t at = round == 0   ? content.size() - 1
                             : round == 1 ? 0
                                          : test::below(rng, content.size());
      content[at] = static_cast<char>(content[at] ^ (1 << test::below(rng, 8)));
      store::replace_file(file, content).value();
      const auto report = verify(bad);
      INFO(file.string() << " byte " << at << ": " << told(report));
      const bool named =
          told(report).find(relative.filename().string()) != std::string::npos ||
          told(report).find(relative.parent_path().filename().string()) != std::string::npos;
      // A hex digit's case says the same.
      const bool same = relative.filename() == "master.key" &&
                        std::isalpha(static_cast<unsigned char>(before[at])) != 0 &&
                        (before[at] ^ content[at]) == 0x20;
      CHECK((named || same));
      CHECK((same || report.verdict() != Verdict::Verified));
    }
  }
}

TEST_CASE("a missing body that no event explains is tampering", "[replay]") {
  const Scratch scratch;
  const auto layout = test::make_store(scratch.path(), 300, 45);
  engine::Seq victim = 0;
  {
    victim = store::get_be64(store::as_bytes(test::RawLog(layout).dump("body")[20].first));
    const auto log = Log::open(layout, Log::Mode::Write).value();
    log->drop_bodies(std::array{victim}).value();
  }
  const auto report = verify(layout);
  CHECK(report.verdict() == Verdict::Tampered);
  REQUIRE(report.findings.size() == 1);
  CHECK(report.findings[0].seq == victim);
}

TEST_CASE("without the vault it says that bodies were not opened", "[replay]") {
  const Scratch scratch;
  const auto layout = test::make_store(scratch.path(), 300, 46);
  std::filesystem::remove_all(layout.vault());
  const auto report = verify(layout);
  INFO(told(report));
  CHECK(report.verdict() == Verdict::Verified);
  bool said = false;
  for (const auto& c : report.checks) said |= c.subject == "bodies not opened";
  CHECK(said);
}

TEST_CASE("a fork of what an auditor kept is proven", "[replay]") {
  const Scratch scratch;
  const auto layout = test::make_store(scratch.path() / "a", 300, 47);
  test::copy_tree(scratch.path() / "a", scratch.path() / "b");
  const auto other = test::layout_in(scratch.path() / "b");
  replay::VerifyOptions options;
  {
    const auto writer = store::open_store(layout).value();
    test::fill(*writer, 50, 48, writer->state().at);
    options.saved = newest_checkpoint(writer->log(), layout).value().newest->note;
  }
  {
    const auto writer = store::open_store(other).value();
    test::fill(*writer, 200, 49, writer->state().at);
  }
  CHECK(replay::verify_store(layout, options).verdict() == Verdict::Verified);
  CHECK(replay::verify_store(other, options).verdict() == Verdict::Tampered);
}

TEST_CASE("a state digest that does not follow from the history is a divergence", "[replay]") {
  const Scratch scratch;
  const auto layout = test::make_store(scratch.path(), 200, 50);
  {
    const auto writer = store::open_store(layout).value();
    store::Proposal alive;
    alive.kind = engine::Kind::AliveMark;
    writer->write(alive, writer->state().at).value();
    store::Proposal lie;
    lie.kind = engine::Kind::StateDigest;
    lie.a = writer->log().last();
    lie.b = engine::kReducerVersion;
    lie.digest.fill(7);
    writer->write(lie, writer->state().at).value();
    const std::array signers{store::signing_key(layout).value()};
    sign_checkpoint(writer->log(), layout, signers).value();
  }
  CHECK(verify(layout).verdict() == Verdict::Diverged);
}
