// The vault read by its index: the same answers as the vault read whole, whatever happened to the
// files; and nothing of whoever was forgotten in any file that was replaced.
#include "store/vault/vault.h"

#include "store/bytes/faulty_files.h"
#include "store/bytes/files.h"
#include "store/bytes/mapped_file.h"
#include "store/forget.h"
#include "store/open_store.h"
#include "tests/support/stores.h"

#include <catch2/catch.hpp>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

using namespace rollcall;
using namespace rollcall::store;
using test::Scratch;

namespace {

std::string name_for(std::uint64_t i) {
  return "user-" + std::to_string(i) + std::string(i % 40, 'x');
}

void set(const std::filesystem::path& file, std::string_view bytes) {
  std::ofstream(file, std::ios::binary) << bytes;
}

/// A vault with the users 1 to n, kept by a writer.
Vault vault_of(const std::filesystem::path& dir, UserNumber n) {
  auto vault = Vault::create(dir, "main").value();
  for (UserNumber i = 1; i <= n; ++i) vault.enroll(i, name_for(i));
  vault.sync().value();
  vault.keep_index().value();
  return vault;
}

/// Whoever reads it by the index hears what the one who reads it whole hears.
void check_same(const std::filesystem::path& dir, UserNumber upto) {
  const auto whole = Vault::open(dir, "main").value();
  const auto lazy = Vault::open_to_read(dir, "main").value();
  CHECK(lazy->users() == whole.users());
  CHECK(lazy->epoch() == whole.epoch());
  CHECK(lazy->erased() == whole.erased());
  CHECK(lazy->tag_key() == whole.tag_key());
  for (UserNumber n = 0; n <= upto + 2; ++n) {
    const auto name = whole.name_of(n);
    INFO("user #" << n);
    if (n % 2 == 0) REQUIRE(lazy->name_of(n) == name);
    REQUIRE(lazy->erased(n) == whole.erased(n));
    if (name) REQUIRE(lazy->number_of(*name) == std::optional<UserNumber>(n));
    REQUIRE(lazy->name_of(n) == name);
    for (std::uint32_t epoch = 1; epoch <= whole.epoch(); ++epoch)
      REQUIRE(lazy->body_key(n, epoch) == whole.body_key(n, epoch));
  }
  CHECK_FALSE(lazy->number_of("nobody"));
  CHECK_FALSE(lazy->number_of(""));
  CHECK_FALSE(lazy->problem());
}

/// How many records a question about one person opens, the app's own apart.
std::size_t opened_for_one(const std::filesystem::path& dir, UserNumber n) {
  const auto lazy = Vault::open_to_read(dir, "main").value();
  const std::size_t before = lazy->unsealed();
  CHECK(lazy->number_of(name_for(n)) == std::optional<UserNumber>(n));
  CHECK(lazy->name_of(n) == name_for(n));
  return lazy->unsealed() - before;
}

}  // namespace

TEST_CASE("a question about one person opens one record of the vault", "[store][vault]") {
  const Scratch scratch;
  auto vault = vault_of(scratch.path(), 2000);
  {
    const auto lazy = Vault::open_to_read(scratch.path(), "main").value();
    CHECK(lazy->unsealed() == 1);  // the app's own
    CHECK(lazy->users() == 2001);
    CHECK_FALSE(lazy->number_of("nobody"));
    CHECK(lazy->unsealed() == 1);
    CHECK(lazy->number_of(name_for(77)) == std::optional<UserNumber>(77));
    CHECK(lazy->unsealed() == 2);
    CHECK(lazy->user_key(77) == vault.user_key(77));
    CHECK(lazy->unsealed() == 2);
  }
  check_same(scratch.path(), 2000);
  // Who came since lies in the index's tail.
  vault.enroll(2001, name_for(2001));
  vault.sync().value();
  CHECK(opened_for_one(scratch.path(), 2001) == 1);
  CHECK(opened_for_one(scratch.path(), 3) == 1);
}

TEST_CASE("an index that does not fit is passed over, and made anew by whoever writes next",
          "[store][vault]") {
  const Scratch scratch;
  vault_of(scratch.path(), 300);
  const auto index = scratch.path() / "index", records = scratch.path() / "records";
  const std::string good = test::slurp(index);
  const auto mend = [&] {
    auto vault = Vault::open(scratch.path(), "main").value();
    vault.keep_index().value();
    CHECK(opened_for_one(scratch.path(), 123) == 1);
  };
  SECTION("missing") { std::filesystem::remove(index); }
  SECTION("cut") { set(index, std::string_view(good).substr(0, good.size() / 2)); }
  SECTION("empty") { set(index, ""); }
  SECTION("of another vault") {
    const Scratch other;
    vault_of(other.path(), 300);
    set(index, test::slurp(other.path() / "index"));
  }
  SECTION("of the vault before somebody was forgotten") {
    auto vault = Vault::open(scratch.path(), "main").value();
    vault.forget({17}).value();
    set(index, good);
  }
  SECTION("older: it knows fewer users") {
    auto vault = Vault::open(scratch.path(), "main").value();
    for (UserNumber n = 301; n <= 320; ++n) vault.enroll(n, name_for(n));
    vault.sync().value();
    CHECK(test::slurp(index) == good);                 // nobody kept it
    CHECK(opened_for_one(scratch.path(), 320) == 20);  // of the late ones all, of the others none
  }
  SECTION("a vault of which the index knows more than there is") {
    auto vault = Vault::open(scratch.path(), "main").value();
    vault.keep_index().value();
    const std::string before = test::slurp(records);
    vault.enroll(301, name_for(301));
    vault.sync().value();
    CHECK(test::slurp(index) != good);
    set(records, before);
  }
  SECTION("garbage behind it") { set(index, good + "garbage"); }
  check_same(scratch.path(), 320);
  mend();
  check_same(scratch.path(), 320);
}

TEST_CASE("whatever byte of the index is flipped, the answers stay", "[store][vault]") {
  const std::uint64_t seed = test::test_seed();
  INFO("reproduce with ROLLCALL_SEED=" << seed);
  std::mt19937_64 rng{seed};
  const Scratch scratch;
  {
    auto vault = vault_of(scratch.path(), 60);
    for (UserNumber n = 61; n <= 70; ++n) vault.enroll(n, name_for(n));
    vault.sync().value();
    vault.forget({9, 30}).value();
    for (UserNumber n = 71; n <= 75; ++n) vault.enroll(n, name_for(n));
    vault.sync().value();
  }
  const auto index = scratch.path() / "index";
  const std::string good = test::slurp(index);
  const auto whole = Vault::open(scratch.path(), "main").value();
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string flipped = good;
    flipped[i] = static_cast<char>(flipped[i] ^ (1 << test::below(rng, 8)));
    set(index, flipped);
    INFO("byte " << i);
    const auto lazy = Vault::open_to_read(scratch.path(), "main").value();
    const auto n = static_cast<UserNumber>(1 + test::below(rng, 75));
    if (const auto name = whole.name_of(n))
      REQUIRE(lazy->number_of(*name) == std::optional<UserNumber>(n));
    for (UserNumber k = 0; k < 77; ++k) REQUIRE(lazy->name_of(k) == whole.name_of(k));
    REQUIRE(lazy->erased() == whole.erased());
    REQUIRE_FALSE(lazy->number_of("nobody"));
  }
}

TEST_CASE("the vault by its index answers as a plain map does, whatever was done to it",
          "[store][vault]") {
  const std::uint64_t seed = test::test_seed();
  INFO("reproduce with ROLLCALL_SEED=" << seed);
  std::mt19937_64 rng{seed};
  for (int round = 0; round < test::rounds(12); ++round) {
    const Scratch scratch;
    const auto& dir = scratch.path();
    const auto index = dir / "index";
    std::map<UserNumber, std::string> users;
    std::set<UserNumber> erased;
    UserNumber next = 1;
    std::string older;
    auto vault = std::make_unique<Vault>(Vault::create(dir, "main").value());
    vault->keep_index().value();
    for (int step = 0; step < 60; ++step) {
      switch (test::below(rng, 10)) {
        case 0:
        case 1:
        case 2:
          for (auto many = test::below(rng, 30); many > 0; --many, ++next) {
            users[next] = name_for(test::below(rng, 1000) * 1000 + next);
            vault->enroll(next, users[next]);
          }
          vault->sync().value();
          break;
        case 3:
          if (const auto it = users.lower_bound(static_cast<UserNumber>(test::below(rng, next)));
              it != users.end()) {
            erased.insert(it->first);
            users.erase(it);
            vault->forget({*erased.rbegin(), *erased.begin()}).value();
            vault->forget(erased).value();
          }
          break;
        case 4:
          (void)vault->add_epoch().value();
          break;
        case 5:
          if (vault->epoch() > 1) vault->destroy_epoch(1).has_value();
          break;
        case 6:
          vault->rotate_master(MasterKey::next().value()).value();
          break;
        case 7: {  // a crash between vault and log: the last ones are dropped
          const UserNumber from = next - static_cast<UserNumber>(test::below(rng, 3));
          while (next > from && users.contains(next - 1)) users.erase(--next);
          vault->drop_from(next).value();
          break;
        }
        case 8:  // the process ends, with its index or without what it appended last
          vault.reset();
          if (test::below(rng, 3) == 0 && !older.empty()) set(index, older);
          if (test::below(rng, 4) == 0) std::filesystem::remove(index);
          if (test::below(rng, 4) == 0 && std::filesystem::exists(index))
            std::filesystem::resize_file(index,
                                         test::below(rng, std::filesystem::file_size(index) + 1));
          check_same(dir, next);
          vault = std::make_unique<Vault>(Vault::open(dir, "main").value());
          vault->keep_index().value();
          break;
        default:
          older = test::slurp(index);
      }
      const auto lazy = Vault::open_to_read(dir, "main").value();
      REQUIRE(lazy->users() == users.size() + 1);
      REQUIRE(lazy->erased() == erased);
      for (int look = 0; look < 5; ++look) {
        const auto n = static_cast<UserNumber>(test::below(rng, next + 1));
        const auto it = users.find(n);
        const auto expected = it == users.end() ? std::nullopt : std::optional(it->second);
        REQUIRE(lazy->name_of(n) == expected);
        if (expected) REQUIRE(lazy->number_of(*expected) == std::optional<UserNumber>(n));
        REQUIRE(lazy->erased(n) == erased.contains(n));
      }
    }
    check_same(dir, next);
  }
}

TEST_CASE("a tail that has grown is merged, and stays short", "[store][vault]") {
  const Scratch scratch;
  auto vault = vault_of(scratch.path(), 10);
  UserNumber n = 11;
  for (int batch = 0; batch < 100; ++batch) {
    for (int i = 0; i < 90; ++i, ++n) vault.enroll(n, name_for(n));
    vault.sync().value();
  }
  const auto file = MappedFile::open(scratch.path() / "index").value();
  const auto key = VaultIndex::key_of(*vault.user_key(0));
  const auto index = VaultIndex::open(file.bytes(), key);
  REQUIRE(index);
  CHECK(index->whole());
  CHECK(index->name_count() + index->tail().size() == 9010);
  CHECK(index->tail().size() <= 4096 + 90);
  CHECK(index->name_count() >= 4096);
  for (const UserNumber who : {UserNumber{1}, UserNumber{4500}, n - 1})
    CHECK(opened_for_one(scratch.path(), who) == 1);
}

TEST_CASE("a reader asks on while the vault is written anew under it", "[store][vault]") {
  const Scratch scratch;
  auto vault = vault_of(scratch.path(), 500);
  const auto before = Vault::open_to_read(scratch.path(), "main").value();
  const auto asked = Vault::open_to_read(scratch.path(), "main").value();
  CHECK(asked->name_of(40) == name_for(40));
  vault.forget({41}).value();
  vault.rotate_master(MasterKey::next().value()).value();
  vault.forget({42}).value();
  for (const auto* reader : {before.get(), asked.get()}) {
    CHECK_FALSE(reader->number_of(name_for(41)));
    CHECK_FALSE(reader->name_of(42));
    CHECK(reader->erased(42));
    CHECK_FALSE(reader->user_key(41));
    for (UserNumber n = 43; n <= 500; ++n) REQUIRE(reader->name_of(n) == name_for(n));
    for (UserNumber n = 1; n <= 40; ++n)
      REQUIRE(reader->number_of(name_for(n)) == std::optional<UserNumber>(n));
    CHECK_FALSE(reader->problem());
  }
}

TEST_CASE("a record that is damaged is told of when it is asked for, not before",
          "[store][vault]") {
  const Scratch scratch;
  std::string text;
  {
    const auto vault = vault_of(scratch.path(), 50);
    text = test::slurp(vault.file());
    const auto record = vault.record_of(7).value();
    text[text.find(as_text(record)) + 20] ^= 1;
  }
  set(scratch.path() / "records", text);
  const auto lazy = Vault::open_to_read(scratch.path(), "main").value();
  CHECK(lazy->number_of(name_for(8)) == std::optional<UserNumber>(8));
  CHECK_FALSE(lazy->problem());
  CHECK_FALSE(lazy->number_of(name_for(7)));
  REQUIRE(lazy->problem());
  CHECK(lazy->problem()->code == Errc::Incomplete);
  CHECK(lazy->problem()->detail.find("damaged at byte") != std::string::npos);
}

TEST_CASE("after a forget, a process that has the old files mapped finds neither name nor key",
          "[store][vault]") {
  const Scratch scratch;
  const auto layout = test::make_store(scratch.path(), 400, 31);
  const auto writer = open_store(layout).value();
  const UserNumber number = writer->vault().number_of("user-5").value();
  const Bytes record = writer->vault().record_of(number).value();
  const auto wrapped = std::string(as_text(ByteView(record).subspan(9, 72)));
  const auto sealed = std::string(as_text(ByteView(record).subspan(9 + 72 + 24)));
  Bytes hash;
  put_be64(hash, VaultIndex::hash_of(VaultIndex::key_of(*writer->vault().user_key(0)), "user-5"));
  const std::string hashed(as_text(hash));
  const auto has = [](const MappedFile& file, const std::string& bytes) {
    return as_text(file.bytes()).find(bytes) != std::string_view::npos;
  };

  int ready[2], done[2];
  REQUIRE(::pipe(ready) == 0);
  REQUIRE(::pipe(done) == 0);
  const pid_t child = ::fork();
  if (child == 0) {  // another process: maps, waits for the receipt, looks again
    char byte = 0;
    int found = 0;
    {
      const auto records = MappedFile::open(layout.vault() / "records").value();
      const auto index = MappedFile::open(layout.vault() / "index").value();
      if (!has(records, wrapped) || !has(records, sealed) || !has(index, hashed)) found |= 1;
      (void)!::write(ready[1], "r", 1);
      (void)!::read(done[0], &byte, 1);
      if (has(records, wrapped)) found |= 2;
      if (has(records, sealed)) found |= 4;
      if (has(index, hashed)) found |= 8;
    }
    ::_exit(found);
  }
  char byte = 0;
  REQUIRE(::read(ready[0], &byte, 1) == 1);
  std::filesystem::create_hard_link(layout.vault() / "records", scratch.path() / "kept");
  const auto receipt =
      forget(*writer, plan_forget(*writer, number), {"a request", "", false}, writer->state().at);
  REQUIRE(receipt);
  REQUIRE(::write(done[1], "d", 1) == 1);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  for (const int fd : {ready[0], ready[1], done[0], done[1]}) ::close(fd);
  REQUIRE(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);

  // The old file is still a vault, of the others.
  const auto other = scratch.path() / "other";
  std::filesystem::create_directory(other);
  std::filesystem::copy_file(scratch.path() / "kept", other / "records");
  std::filesystem::copy_file(layout.vault() / "master.key", other / "master.key");
  const auto old = Vault::open(other, layout.app).value();
  CHECK(old.erased(number));
  CHECK_FALSE(old.user_key(number));
  CHECK(old.number_of("user-6") == writer->vault().number_of("user-6"));
  for (const auto& bytes : {wrapped, sealed, hashed})
    CHECK_FALSE(test::any_file_holds(scratch.path(), bytes));
}

TEST_CASE("what a crash left of an erasure is ended by the next opening for writing",
          "[store][vault][crash]") {
  const Scratch scratch;
  const auto layout = test::make_store(scratch.path(), 300, 33);
  const auto records = layout.vault() / "records";
  std::string wrapped;
  UserNumber number = 0;
  {
    const auto writer = open_store(layout).value();
    number = writer->vault().number_of("user-3").value();
    wrapped =
        std::string(as_text(ByteView(writer->vault().record_of(number).value()).subspan(9, 72)));
    const std::string before = test::slurp(records);
    (void)forget(*writer, plan_forget(*writer, number), {"a request", "", false},
                 writer->state().at)
        .value();
    // Killed after the rename: the old file has its second name, and two that were begun lie about.
    set(layout.vault() / "records.old", before);
    set(layout.vault() / "records.new", std::string_view(before).substr(0, before.size() - 50));
    set(layout.vault() / "index.new", "half of an index");
  }
  std::filesystem::create_hard_link(layout.vault() / "records.old", scratch.path() / "kept-old");
  std::filesystem::create_hard_link(layout.vault() / "records.new", scratch.path() / "kept-new");
  CHECK(test::any_file_holds(scratch.path(), wrapped));
  const auto writer = open_store(layout).value();
  CHECK_FALSE(test::any_file_holds(scratch.path(), wrapped));
  for (const char* name : {"records.old", "records.new", "index.new"})
    CHECK_FALSE(std::filesystem::exists(layout.vault() / name));
  CHECK(writer->vault().number_of("user-4"));
}

TEST_CASE("the second name of a file that was not replaced is taken away, and nothing else",
          "[store][vault][crash]") {
  const Scratch scratch;
  vault_of(scratch.path(), 30);
  const auto records = scratch.path() / "records";
  const std::string before = test::slurp(records);
  std::filesystem::create_hard_link(records, scratch.path() / "records.old");
  auto vault = Vault::open(scratch.path(), "main").value();
  vault.keep_index().value();
  CHECK_FALSE(std::filesystem::exists(scratch.path() / "records.old"));
  CHECK(test::slurp(records) == before);
}

TEST_CASE("a rotation of the master key that fails anywhere, and again anywhere, loses no key",
          "[store][vault][crash]") {
  const bool power_fails = GENERATE(false, true);
  constexpr auto kMemory = Scratch::On::Memory;
  std::uint64_t first = 1, second = 1, rounds = 0;
  while (true) {
    INFO("operation " << first << ", then " << second << ", power fails " << power_fails);
    const Scratch scratch(kMemory), undo(kMemory);
    Faults faults;
    FaultyFiles files(faults, undo.path());
    bool tried_again = false;
    {
      auto vault = Vault::create(scratch.path(), "main", files).value();
      vault.enroll(1, "ada");
      vault.sync().value();
      faults.fail(first, Faults::How::Refuse);
      const auto rotated = vault.rotate_master(MasterKey::next().value());
      if (!faults.reached()) {
        CHECK(rotated);
        break;
      }
      // A vault that is ahead of its files is opened anew before anybody writes.
      tried_again = !vault.ahead();
      if (tried_again) {
        faults.fail(second, Faults::How::Refuse);
        (void)vault.rotate_master(MasterKey::next().value());
        tried_again = faults.reached();
      }
    }
    if (power_fails) files.crash();
    const auto vault = Vault::open(scratch.path(), "main");
    REQUIRE(vault);
    CHECK(vault->name_of(1) == "ada");
    ++rounds;
    if (tried_again) {
      ++second;
    } else {
      ++first;
      second = 1;
    }
  }
  CHECK(rounds > 50);
}
