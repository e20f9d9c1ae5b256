// A store whose disk fails at every moment in turn: what holds when it is opened again.
#include "store/bytes/faulty_files.h"
#include "store/forget.h"
#include "store/govern.h"
#include "store/live.h"
#include "store/log/faulty_log.h"
#include "store/log/memory_log.h"
#include "store/log/state_digest.h"
#include "store/open_store.h"
#include "tests/support/random_history.h"
#include "tests/support/stores.h"

#include <catch2/catch.hpp>

#include <future>
#include <map>
#include <thread>

using namespace rollcall;
using namespace rollcall::store;
using engine::Kind;
using How = Faults::How;

namespace {

constexpr auto kMemory = test::Scratch::On::Memory;
const std::string kForgotten = "bob.lindqvist@example.com";

std::vector<Header> headers_of(const EventLog& log) {
  std::vector<Header> out;
  log.scan(1, log.last(),
           [&](const Header& h, ByteView) {
             out.push_back(h);
             return true;
           })
      .value();
  return out;
}

/// A writer's life from nothing to a clean close, and what it was promised on the way.
class Life {
 public:
  Life(const Layout& layout, Medium& medium) : layout_(layout), opening_{} {
    opening_.medium = &medium;
  }

  std::vector<Header> durable;  ///< acknowledged, in order
  std::map<std::string, std::string> meta;
  bool open = false;                 ///< the fault came while a writer was there
  bool forgotten = false;            ///< acknowledged
  bool rotated = false;              ///< the master key
  std::vector<std::string> secrets;  ///< of whom is forgotten: keys, wrapped and not, index entry

  Result<void> run() {
    RC_TRY(open_store_now());
    (void)writer_->stage_restart(1, now());
    RC_TRY(writer_->commit());
    for (const char* name : {"ada", kForgotten.c_str(), "carol"})
      RC_TRY(staged(test::login(name, "s")));
    RC_TRY(writer_->commit());
    RC_TRY(act("ada", "message.posted"));
    RC_TRY(act(kForgotten, "order.updated"));
    RC_TRY(put("cursor", "7"));
    remember_secrets();
    RC_TRY(writer_->vault().add_epoch());
    RC_TRY(act("ada", "order.updated"));
    RC_TRY(staged(test::login("dave", "s")));
    writer_->stage_meta("with", "dave");
    RC_TRY(writer_->commit());
    meta["with"] = "dave";
    RC_TRY(writer_->sign(now()));
    RC_TRY(writer_->vault().rotate_master(MasterKey::next().value()));
    rotated = true;
    remember_secrets();
    RC_TRY(forget(*writer_, plan_forget(*writer_, *writer_->vault().number_of(kForgotten)),
                  {"a request", "T-1", false}, now()));
    forgotten = true;
    RC_TRY(writer_->vault().destroy_epoch(1));
    RC_TRY(staged(test::login("erin", "s")));
    RC_TRY(writer_->commit());
    RC_TRY(rotate_signing(*writer_, now()));
    writer_->stage_farewell(now());
    RC_TRY(writer_->commit());
    close();
    RC_TRY(open_store_now());
    RC_TRY(act("erin", "message.posted"));
    RC_TRY(writer_->sign(now()));
    close();
    return {};
  }
  void close() {
    open = false;
    writer_.reset();
  }

 private:
  engine::Micros now() { return at_ += test::kSecond; }

  Result<void> open_store_now() {
    auto opened = open_or_create_store(layout_, opening_);
    if (!opened) return opened.error();
    writer_ = std::move(*opened);
    durable = headers_of(writer_->log());
    open = true;
    writer_->observe([this](const Writer::Batch& batch) {
      durable.insert(durable.end(), batch.commit.headers.begin(), batch.commit.headers.end());
    });
    return {};
  }
  Result<void> staged(const Proposal& proposal) {
    const auto written = writer_->stage(proposal, now());
    if (!written) return written.error();
    return {};
  }
  Result<void> act(const std::string& user, const std::string& action) {
    Proposal p = test::about(Kind::Activity, user, *writer_->session_by_key(user, "s"));
    p.action = action;
    p.body.description = "what " + user + " did";
    RC_TRY(staged(p));
    return writer_->commit();
  }
  Result<void> put(const std::string& key, const std::string& value) {
    RC_TRY(writer_->log().put_meta(key, value));
    meta[key] = value;
    return {};
  }
  void remember_secrets() {
    const Vault& vault = writer_->vault();
    const auto number = *vault.number_of(kForgotten);
    const Bytes record = vault.record_of(number).value();
    secrets.emplace_back(as_text(ByteView(record).subspan(9, 72)));  // the wrapped key
    secrets.emplace_back(as_text(ByteView(record).last(20)));        // the sealed name's end
    secrets.emplace_back(as_text(*vault.user_key(number)));
    Bytes entry;
    put_be64(entry, VaultIndex::hash_of(VaultIndex::key_of(*vault.user_key(0)), kForgotten));
    secrets.emplace_back(as_text(entry));
    secrets.push_back(kForgotten);
  }

  Layout layout_;
  Opening opening_;
  std::unique_ptr<Writer> writer_;
  engine::Micros at_ = test::kStart;
};

/// Names and events belong together, and the state is what the log says.
void check_whole(const Writer& writer) {
  const EventLog& log = writer.log();
  Fold fold;
  fold.advance(log, log.last()).value();
  CHECK(digest_of(fold.state) == digest_of(writer.state()));
  CHECK(log.root() == log.root_at(log.last()).value());
  const Vault& vault = writer.vault();
  const auto users = static_cast<UserNumber>(writer.state().users.size());
  std::map<UserNumber, std::string> enrolled;
  BodyOpener opener(vault, writer.layout().app);
  for (const Header& h : headers_of(log)) {
    const OpenedBody opened = opener.open(h, log.body(h.seq).value());
    INFO("seq " << h.seq << ", " << engine::name_of(h.kind));
    CHECK(opened.state != BodyState::Damaged);
    CHECK(opened.state != BodyState::Dropped);
    if (h.kind == Kind::UserEnrolled) enrolled[h.user] = opened.body.name;
  }
  std::size_t named = 1;  // the app itself
  for (UserNumber number = 1; number < users; ++number) {
    INFO("user #" << number);
    CHECK(enrolled.contains(number));
    const auto name = vault.name_of(number);
    CHECK(name.has_value() == !writer.state().users[number].erased);
    CHECK(vault.erased(number) == !name);
    if (!name) continue;
    ++named;
    CHECK(vault.number_of(*name) == number);
    if (!enrolled[number].empty()) CHECK(enrolled[number] == *name);  // or its epoch's key is gone
  }
  CHECK(vault.users() == named);
  CHECK_FALSE(vault.index_damaged());
}

/// Lives with one fault each, at the `nth` operation. False if the life ended before it.
bool live_with_fault(std::uint64_t nth, How how, bool power_fails) {
  INFO("operation " << nth << ", how " << static_cast<int>(how) << ", power fails " << power_fails);
  const test::Scratch scratch(kMemory), undo(kMemory);
  const auto layout = test::layout_in(scratch.path());
  Faults faults;
  InMemory memory;
  FaultyFiles files(faults, undo.path());
  FaultyMedium medium(memory, faults, files);
  Life life(layout, medium);
  faults.fail(nth, how);
  const auto lived = life.run();
  if (!faults.reached()) {
    REQUIRE(lived);
    CHECK(life.forgotten);
    return false;
  }
  INFO((lived ? "nobody noticed" : lived.error().detail));
  const bool was_open = life.open;
  life.close();
  if (power_fails) files.crash();
  std::size_t more = 0;
  if (memory.has_log(layout)) {
    const auto log = memory.open_log(layout).value();
    const auto found = headers_of(*log);
    REQUIRE(found.size() >= life.durable.size());
    CHECK(std::equal(life.durable.begin(), life.durable.end(), found.begin()));
    more = found.size() - life.durable.size();
    for (const auto& [key, value] : life.meta) CHECK(log->meta(key).value() == value);
  } else {
    CHECK(life.durable.empty());
  }
  // Only what was done and reported as failed is there without having been acknowledged.
  if (was_open && how != How::Late) CHECK(more == 0);

  // A second fault while it is opened again: whatever comes of that, it can be opened after it.
  constexpr std::uint64_t kOfAnOpening = 11;  // operations, at least, if there is much to finish
  faults.fail(1 + nth % kOfAnOpening, how);
  Opening hurt;
  hurt.medium = &medium;
  (void)open_or_create_store(layout, hurt);
  if (power_fails) files.crash();

  Opening again;
  again.medium = &memory;
  for (int opened = 0; opened < 2; ++opened) {
    const auto reopened = open_or_create_store(layout, again);
    if (!reopened) INFO(reopened.error().detail);
    REQUIRE(reopened);
    Writer& writer = **reopened;
    check_whole(writer);
    CHECK_FALSE((life.rotated && std::filesystem::exists(layout.vault() / "master.key.next")));
    const bool gone = writer.vault().number_of(kForgotten) == std::nullopt && !life.secrets.empty();
    CHECK((!life.forgotten || gone));
    if (gone) {
      // Erased, and not lost: the log says so; and no file knows better.
      CHECK(writer.ledger().erased.size() == 1);
      for (const auto& secret : life.secrets)
        CHECK_FALSE(test::any_file_holds(layout.app_dir, secret));
    }
    if (opened == 0) {  // and it goes on
      const auto last = writer.state().at;
      writer.stage(test::login("zoe", "s"), last + test::kSecond).value();
      writer.stage(test::login("ada", "t"), last + test::kSecond).value();
      writer.commit().value();
      writer.sign(last + 2 * test::kSecond).value();
    } else {
      CHECK(writer.vault().number_of("zoe"));
    }
  }
  return true;
}

}  // namespace

TEST_CASE("wherever a disk fails once, the store opens again: whole, with all that was promised",
          "[store][crash]") {
  const How how = GENERATE(How::Refuse, How::Tear, How::Late, How::Crash);
  const bool power_fails = how == How::Crash || GENERATE(false, true);
  std::uint64_t nth = 1;
  while (live_with_fault(nth, how, power_fails)) ++nth;
  INFO(nth << " operations");
  CHECK(nth > 100);
}

TEST_CASE("whatever fails once under a live log, it goes on by itself and keeps what it promised",
          "[store][crash]") {
  const How how = GENERATE(How::Refuse, How::Tear, How::Late);
  std::uint64_t nth = 0;
  for (bool reached = true; reached;) {
    INFO("operation " << ++nth << ", how " << static_cast<int>(how));
    const test::Scratch scratch(kMemory), undo(kMemory);
    const auto layout = test::layout_in(scratch.path());
    Faults faults;
    InMemory memory;
    FaultyFiles files(faults, undo.path());
    FaultyMedium medium(memory, faults, files);
    std::vector<Seq> announced;  // by the committer's or the sequencer's thread, never by both
    LiveOptions options;
    options.medium = &medium;
    options.on_durable = [&](const Writer::Batch& batch) {
      for (const auto& event : batch.events) announced.push_back(event.header.seq);
    };
    auto live = Live::start(layout, options).value();
    const Seq before = live->reading()->log().last();
    faults.fail(nth, how);
    std::map<std::string, bool> kept;
    for (int i = 0; i < 6; ++i) {
      const std::string name = "user-" + std::to_string(i);
      std::promise<bool> answer;
      const auto log_in = [&](Transaction& transaction) {
        const bool staged = transaction.append(test::login(name, "s")).has_value();
        transaction.when_durable([&answer, staged](const Result<void>& durable) {
          answer.set_value(staged && durable);
        });
      };
      while (!live->submit(log_in)) std::this_thread::yield();
      kept[name] = answer.get_future().get();
    }
    reached = faults.reached();
    // Those in the failed commit, and whoever came before the log was known to have failed; nobody,
    // if it was only the vault's index that could not be written.
    const auto failed =
        std::count_if(kept.begin(), kept.end(), [](const auto& k) { return !k.second; });
    CHECK(failed <= (reached ? 2 : 0));
    live->stop();
    live.reset();
    Opening again;
    again.medium = &memory;
    const auto writer = open_store(layout, again).value();
    check_whole(*writer);
    for (const auto& [name, was_kept] : kept) {
      INFO(name);
      const bool there = writer->session_by_key(name, "s").has_value();
      CHECK((!was_kept || there));
      if (!was_kept && how != How::Late) CHECK_FALSE(there);
    }
    // Everything was announced, once and in order.
    for (std::size_t i = 0; i < announced.size(); ++i) REQUIRE(announced[i] == before + 1 + i);
    if (faults.reached() == reached)  // else it was the farewell that failed
      CHECK(before + announced.size() == writer->log().last());
  }
  CHECK(nth > 20);
}

TEST_CASE("keys that a killed process left unsynced are durable before anything relies on them",
          "[store][crash]") {
  const test::Scratch scratch(kMemory), undo(kMemory);
  const auto layout = test::layout_in(scratch.path());
  Faults faults;
  InMemory memory;
  FaultyFiles files(faults, undo.path());
  FaultyMedium medium(memory, faults, files);
  Opening opening;
  opening.medium = &medium;
  {
    const auto writer = open_or_create_store(layout, opening).value();
    writer->write(test::login("ada", "s"), test::kStart).value();
    constexpr int kSync = 3;  // after the file is given its size and written
    faults.fail(kSync, How::Refuse);
    REQUIRE_FALSE(writer->vault().add_epoch());
  }
  const auto seq = [&] {
    const auto writer = open_store(layout, opening).value();
    CHECK(writer->vault().epoch() == 2);
    return writer->write(test::login("ada", "t"), test::kStart).value().seq;
  }();
  files.crash();
  const auto writer = open_store(layout, opening).value();
  const auto header = writer->log().header(seq).value().value();
  const auto opened =
      BodyOpener(writer->vault(), layout.app).open(header, writer->log().body(seq).value());
  CHECK(opened.state == BodyState::Open);
}
