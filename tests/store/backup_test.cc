// Backups: while a writer writes, restored under a new name, never signing a fork.
#include "store/backup.h"

#include "replay/verify.h"
#include "tests/support/stores.h"

#include <catch2/catch.hpp>

using namespace rollcall;
using namespace rollcall::store;
using test::Scratch;

TEST_CASE("a backup is made beside a live writer and verifies", "[store]") {
  const Scratch scratch;
  const auto layout = test::make_store(scratch.path() / "data", 700, 21);
  BackupInfo info;
  {
    const auto writer = Writer::open(layout).value();
    test::fill(*writer, 100, 22, writer->state().at);
    info = create_backup(layout, {scratch.path() / "backups", "live", "2026-01-01T00:00:00Z",
                                  scratch.path() / "vaults"})
               .value();
    CHECK(info.size == writer->log().last());
    CHECK(info.root == writer->log().root());
    test::fill(*writer, 100, 23, writer->state().at);
  }
  replay::VerifyOptions options;
  options.full = true;
  options.bodies = false;
  const auto report = replay::verify_store(layout_of(info), options);
  CHECK(report.verdict() == replay::Verdict::Verified);
  CHECK(report.size == info.size);
  CHECK(list_backups(scratch.path() / "backups").value().size() == 1);
  CHECK_FALSE(std::filesystem::exists(info.path / "vault"));
  CHECK_FALSE(std::filesystem::exists(info.path / "keys" / "signing.key"));
}

TEST_CASE("a restored log goes on under a new origin, and its first event names the old one",
          "[store]") {
  const Scratch scratch;
  const auto layout = test::make_store(scratch.path() / "data", 300, 24);
  const auto info =
      create_backup(layout, {scratch.path() / "backups", "b", "t", scratch.path() / "vaults"})
          .value();
  const auto restored = test::layout_in(scratch.path() / "restored");
  restore_backup(restored,
                 {info.path, scratch.path() / "vaults" / "b", layout.vault() / "master.key", {}})
      .value();
  CHECK(
      restore_backup(restored, {info.path, scratch.path() / "vaults" / "b", {}, {}}).error().code ==
      Errc::Refused);
  const auto writer = Writer::open(restored).value();
  CHECK(writer->log().origin() != info.origin);
  const auto first = writer->log().header(info.size + 1).value();
  REQUIRE(first);
  CHECK(first->kind == engine::Kind::LogContinued);
  CHECK(first->a == info.size);
  BodyOpener opener(writer->vault(), restored.app);
  const auto told = opener.open(*first, writer->log().body(first->seq).value());
  CHECK(told.body.detail.find(info.origin) != std::string::npos);
  CHECK(told.body.detail.find(base64(info.root)) != std::string::npos);
  const auto signed_now = writer->sign(writer->state().at).value();
  CHECK(signed_now.checkpoint.origin == writer->log().origin());
  CHECK(signed_now.note.signatures[0].name != info.origin);
}

TEST_CASE("pruning keeps the newest", "[store]") {
  const Scratch scratch;
  const auto layout = test::make_store(scratch.path() / "data", 30, 25);
  for (const char* name : {"a", "b", "c"})
    create_backup(layout, {scratch.path() / "backups", name, name, {}}).value();
  CHECK(prune_backups(scratch.path() / "backups", 2, true).value() ==
        std::vector<std::string>{"a"});
  CHECK(list_backups(scratch.path() / "backups").value().size() == 3);
  CHECK(prune_backups(scratch.path() / "backups", 1, false).value() ==
        std::vector<std::string>{"a", "b"});
  CHECK(list_backups(scratch.path() / "backups").value().front().name == "c");
}
