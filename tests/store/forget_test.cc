// Erasure: what is gone, and what still proves itself.
#include "store/forget.h"

#include "replay/bundle.h"
#include "replay/receipt.h"
#include "replay/verify.h"
#include "store/backup.h"
#include "store/bytes/files.h"
#include "store/log/event_clock.h"
#include "store/log/state_digest.h"
#include "store/open_store.h"
#include "store/retention.h"
#include "tests/support/stores.h"

#include <catch2/catch.hpp>

using namespace rollcall;
using namespace rollcall::store;
using test::Scratch;

namespace {

replay::VerifyReport verify(const Layout& layout) {
  replay::VerifyOptions options;
  options.full = true;
  options.replay = true;
  return replay::verify_store(layout, options);
}

std::string first_finding(const replay::VerifyReport& report) {
  return report.findings.empty() ? "" : report.findings.front().text;
}

/// The user with the most bodies, and three of their texts.
struct Victim {
  UserNumber number = 0;
  std::string name;
  std::vector<std::string> texts;
  std::vector<Seq> seqs;
};

Victim pick(const Layout& layout) {
  const auto reader = replay::Reader::open(layout).value();
  std::map<UserNumber, std::vector<Seq>> bodies;
  reader.log()
      .scan(1, reader.last(),
            [&](const Header& h, ByteView) {
              if (h.user != 0 && h.kind == engine::Kind::Activity && h.body_len != 0)
                bodies[h.user].push_back(h.seq);
              return true;
            })
      .value();
  Victim victim;
  for (const auto& [user, seqs] : bodies) {
    if (seqs.size() > victim.seqs.size()) victim = {user, reader.user_text(user), {}, seqs};
  }
  for (std::size_t i = 0; i < victim.seqs.size() && victim.texts.size() < 3; ++i) {
    const auto header = reader.log().header(victim.seqs[i]).value();
    const auto opened = reader.open_body(*header);
    if (opened.body.description.size() >= 12) victim.texts.push_back(opened.body.description);
  }
  return victim;
}

}  // namespace

TEST_CASE(
    "after forget the name, the key and the texts are in no file, and every old proof verifies",
    "[store]") {
  const Scratch scratch;
  const auto layout = test::make_real_store(scratch.path() / "data", 40'000);
  const Victim victim = pick(layout);
  REQUIRE(victim.texts.size() == 3);
  INFO("user #" << victim.number);

  std::string wrapped, key;
  {
    const auto vault = Vault::open(layout.vault(), layout.app).value();
    const Bytes record = vault.record_of(victim.number).value();
    wrapped =
        std::string(as_text(ByteView(record).subspan(9, 72)));  // past length, type and number
    key = std::string(as_text(*vault.user_key(victim.number)));
  }
  // The scan is shown to find what is there: the wrapped key in the vault, and everything plain in
  // a file.
  CHECK(test::any_file_holds(layout.vault(), wrapped));
  {
    const Scratch control;
    test::copy_tree(layout.app_dir, control.path() / "copy");
    for (const auto& text : {victim.name, key, victim.texts[0], victim.texts[1], victim.texts[2]}) {
      std::FILE* out = std::fopen((control.path() / "plain").c_str(), "wb");
      std::fwrite(text.data(), 1, text.size(), out);
      std::fclose(out);
      CHECK(test::any_file_holds(control.path(), text));
    }
  }

  std::string receipt_before;
  replay::BundleFiles bundle_before;
  BackupRequest backup{scratch.path() / "backups", "before", "2026-01-01T00:00:00Z",
                       scratch.path() / "vaults"};
  {
    const auto reader = replay::Reader::open(layout).value();
    receipt_before = render(replay::receipt_for(reader, victim.seqs.front()).value());
    replay::BundleRequest request;
    request.complete = replay::Complete::Chain;
    request.user = victim.number;
    request.bodies = {victim.seqs.begin(), victim.seqs.begin() + 3};
    bundle_before = replay::make_bundle(reader, request).value();
  }
  create_backup(layout, backup).value();
  const Hash digest_before = [&] {
    const auto writer = open_store(layout).value();
    return digest_of(writer->state());
  }();
  (void)digest_before;

  TlogProof receipt;
  std::uint64_t seq_before = 0;
  {
    const auto writer = open_store(layout).value();
    seq_before = writer->log().last();
    const auto plan = plan_forget(*writer, victim.number);
    CHECK(plan.events > 10);
    receipt = forget(*writer, plan, {"a request", "T-1", false}, wall_now()).value().receipt;
  }
  create_backup(layout, {scratch.path() / "backups", "after", "2026-01-02T00:00:00Z",
                         scratch.path() / "vaults"})
      .value();

  SECTION("no file of the store, the vault, or a backup holds them") {
    for (const auto& directory :
         {layout.app_dir, scratch.path() / "backups", scratch.path() / "vaults"}) {
      CHECK_FALSE(test::any_file_holds(directory, wrapped));
      CHECK_FALSE(test::any_file_holds(directory, key));
      CHECK_FALSE(test::any_file_holds(directory, victim.texts[0]));
      CHECK_FALSE(test::any_file_holds(directory, victim.texts[1]));
      CHECK_FALSE(test::any_file_holds(directory, victim.texts[2]));
      if (victim.name.size() >= 6) CHECK_FALSE(test::any_file_holds(directory, victim.name));
    }
  }
  SECTION("the digest, the full verification, old receipts and old bundles stay good") {
    const auto report = verify(layout);
    INFO(first_finding(report));
    CHECK(report.verdict() == replay::Verdict::Verified);
    CHECK(report.shredded > 10);
    const auto keys = trusted_keys(layout).value();
    const auto old = parse_tlog_proof(receipt_before).value();
    CHECK(verify_tlog_proof(old, old.extra, keys));
    CHECK(verify_tlog_proof(receipt, receipt.extra, keys));
    CHECK(decode_header(receipt.extra).kind == engine::Kind::UserErased);
    CHECK(replay::verify_bundle(bundle_before, std::nullopt));
    const auto reader = replay::Reader::open(layout).value();
    auto fold = replay::state_at(reader, seq_before).value();
    CHECK(digest_of(fold.state) == digest_before);
  }
  SECTION("an older backup restored later has forgotten, too") {
    const auto restored = test::layout_in(scratch.path() / "restored");
    restore_backup(restored, {scratch.path() / "backups" / "before",
                              scratch.path() / "vaults" / "before",
                              layout.vault() / "master.key",
                              {}})
        .value();
    CHECK_FALSE(test::any_file_holds(restored.app_dir, wrapped));
    const auto reader = replay::Reader::open(restored).value();
    CHECK_FALSE(reader.find_user(victim.name));
    const auto header = reader.log().header(victim.seqs.front()).value();
    CHECK(reader.open_body(*header).state == BodyState::Shredded);
  }
  SECTION("a bundle made before opens nothing but its own texts") {
    for (const auto& [name, content] : bundle_before) {
      CHECK(content.find(key) == std::string::npos);
      CHECK(content.find(wrapped) == std::string::npos);
    }
    // Its salts are those of its three texts; a sealed body opened with any of them as key stays
    // shut.
    const auto log = Log::open(layout, Log::Mode::Read).value();
    const auto other = log->body(victim.seqs.back()).value();
    REQUIRE(other);
    for (std::size_t i = 0; i < 3; ++i) {
      const std::string& image = bundle_before.at("bodies/" + std::to_string(victim.seqs[i]));
      Key salt;
      std::copy_n(image.begin() + 17, 32, salt.begin());
      CHECK_FALSE(xaes::open(salt, *other, {}));
    }
  }
}

TEST_CASE("a hold forbids forgetting, and a second forgetting is refused", "[store]") {
  const Scratch scratch;
  const auto layout = test::make_store(scratch.path(), 300, 11);
  const auto writer = open_store(layout).value();
  Proposal hold;
  hold.kind = engine::Kind::HoldSet;
  hold.a = 3;
  writer->write(hold, writer->state().at).value();
  auto plan = plan_forget(*writer, 3);
  CHECK(plan.held);
  CHECK(forget(*writer, plan, {}, writer->state().at).error().code == Errc::Refused);
  hold.kind = engine::Kind::HoldReleased;
  writer->write(hold, writer->state().at).value();
  plan = plan_forget(*writer, 3);
  REQUIRE(forget(*writer, plan, {}, writer->state().at));
  CHECK(forget(*writer, plan, {}, writer->state().at).error().code == Errc::Refused);
}

TEST_CASE("with mentions, the texts of others about the person go, and the log says so",
          "[store]") {
  const Scratch scratch;
  const auto layout = test::make_store(scratch.path(), 500, 12);
  std::vector<Mention> mentions;
  {
    const auto writer = open_store(layout).value();
    const auto plan = plan_forget(*writer, 3);
    mentions = plan.mentions;
    REQUIRE_FALSE(mentions.empty());
    REQUIRE(forget(*writer, plan, {"r", "t", true}, writer->state().at).value().bodies_dropped ==
            mentions.size());
    for (const auto& m : mentions) CHECK_FALSE(writer->log().body(m.seq).value());
  }
  const auto report = verify(layout);
  INFO(first_finding(report));
  CHECK(report.verdict() == replay::Verdict::Verified);
}

TEST_CASE("a forgotten name that comes back is a new number", "[store]") {
  const Scratch scratch;
  const auto layout = test::make_store(scratch.path(), 300, 13);
  const auto writer = open_store(layout).value();
  const auto old = *writer->vault().number_of("user-5");
  forget(*writer, plan_forget(*writer, old), {}, writer->state().at).value();
  Proposal login;
  login.kind = engine::Kind::Login;
  login.user = "user-5";
  const auto written = writer->write(login, writer->state().at).value();
  CHECK(written.header.user != old);
  CHECK(written.outcome == engine::Outcome::Applied);
}

TEST_CASE("a forget that was cut short is finished at the next opening", "[store]") {
  const Scratch scratch;
  const auto layout = test::make_store(scratch.path(), 300, 14);
  {
    const auto writer = open_store(layout).value();
    Proposal asked;  // the first step alone
    asked.kind = engine::Kind::EraseRequested;
    asked.a = 4;
    writer->write(asked, writer->state().at).value();
  }
  {
    const auto writer = open_store(layout).value();
    CHECK(writer->state().users[4].erased);
    CHECK(writer->vault().erased(4));
    CHECK_FALSE(writer->vault().user_key(4));
  }
  const auto report = verify(layout);
  INFO(first_finding(report));
  CHECK(report.verdict() == replay::Verdict::Verified);
}

TEST_CASE("retention drops what is older, never what is held, and the log says so", "[store]") {
  const Scratch scratch;
  const auto layout = test::make_store(scratch.path(), 2500, 15);
  std::uint64_t expected = 0;
  {
    const auto writer = open_store(layout).value();
    Proposal hold;
    hold.kind = engine::Kind::HoldSet;
    hold.a = 2;
    writer->write(hold, writer->state().at).value();
    set_retention(*writer, engine::Kind::Activity, 1, writer->state().at).value();
    const auto now = writer->state().at + 3600 * test::kSecond;
    const auto plan = plan_retention(writer->log(), writer->ledger(), now).value();
    REQUIRE(plan.size() == 1);
    CHECK(plan[0].held > 0);
    expected = plan[0].bodies;
    CHECK(expected > 1000);  // more than one batch
    CHECK(apply_retention(*writer, plan, now, nullptr).value() == expected);
  }
  const auto report = verify(layout);
  INFO(first_finding(report));
  CHECK(report.verdict() == replay::Verdict::Verified);
  CHECK(report.dropped == expected);
}

TEST_CASE("a new master key opens everything, the old one nothing, also when cut short",
          "[store]") {
  const Scratch scratch;
  const auto layout = test::make_store(scratch.path(), 100, 16);
  const std::string old_key = test::slurp(layout.vault() / "master.key");
  const std::string old_records = test::slurp(layout.vault() / "records");
  {
    auto vault = Vault::open(layout.vault(), layout.app).value();
    vault.rotate_master(MasterKey::next().value()).value();
  }
  const std::string new_key = test::slurp(layout.vault() / "master.key");
  CHECK(new_key != old_key);
  CHECK(verify(layout).verdict() == replay::Verdict::Verified);
  const auto write = [&](const char* name, const std::string& text) {
    replace_file(layout.vault() / name, text).value();
  };
  SECTION("a crash after the records were wrapped anew, before the key file was replaced") {
    write("master.key", old_key);
    write("master.key.next", new_key);
    CHECK(Vault::open(layout.vault(), layout.app));
    CHECK(test::slurp(layout.vault() / "master.key") == new_key);
  }
  SECTION("a crash before the records were wrapped anew") {
    write("records", old_records);
    write("master.key", old_key);
    write("master.key.next", new_key);
    CHECK(Vault::open(layout.vault(), layout.app));
  }
  SECTION("the old key alone opens nothing") {
    write("master.key", old_key);
    CHECK(Vault::open(layout.vault(), layout.app).error().code == Errc::NotPermitted);
  }
}

TEST_CASE("a vault that could not be written anew is not written on: opening it tells what holds",
          "[store][crash]") {
  const Scratch scratch;
  const auto layout = test::layout_in(scratch.path());
  Proposal login;
  login.kind = engine::Kind::Login;
  {
    const auto writer = Writer::create(layout).value();
    login.user = "ada";
    writer->write(login, test::kStart).value();
    const auto in_the_way = layout.vault() / "records.new";
    std::filesystem::create_directory(in_the_way);
    CHECK_FALSE(writer->vault().rotate_master(MasterKey::next().value()));
    std::filesystem::remove(in_the_way);
    // Sealed by a key that is nowhere on the disk, a further name could never be read again.
    login.user = "ben";
    writer->stage(login, test::kStart).value();
    CHECK_FALSE(writer->commit());
    CHECK(writer->broken());
  }
  const auto writer = open_store(layout);
  INFO((writer ? "" : writer.error().detail));
  REQUIRE(writer);
  CHECK((*writer)->vault().number_of("ada"));
  (*writer)->write(login, test::kStart).value();
}
