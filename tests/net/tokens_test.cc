// Tokens and sign-ins as their files keep them: whose they are, and until when.
#include "net/access/tokens.h"

#include "net/access/signed_out.h"
#include "store/bytes/bytes.h"
#include "store/bytes/crypto.h"
#include "tests/support/scratch.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <fstream>
#include <thread>

using namespace rollcall;
using namespace rollcall::net;

namespace {

std::string hash_of(std::string_view token) {
  return store::hex(store::sha256({store::as_bytes(token)}));
}

bool may(const std::optional<Token>& token, std::string_view scope) {
  return token && std::any_of(token->scopes.begin(), token->scopes.end(),
                              [&](const auto& has) { return scope_covers(has, scope); });
}

}  // namespace

TEST_CASE("admin is all of an app, server:admin all there is, and nothing else covers another",
          "[net]") {
  for (const char* wanted : kScopes) {
    CHECK(scope_covers(wanted, wanted));
    CHECK(scope_covers("server:admin", wanted));
    CHECK(scope_covers("admin", wanted) == (std::string_view(wanted) != "server:admin"));
    for (const char* has : {"presence:read", "audit:read", "events:write"})
      CHECK(scope_covers(has, wanted) == (std::string_view(has) == wanted));
  }
  CHECK(!scope_covers("admi", "admin"));
  CHECK(!scope_covers("", "audit:read"));
}

TEST_CASE("a token opens its app until it ends, and goes by name within its app", "[net]") {
  const test::Scratch scratch;
  Tokens tokens(scratch.path());
  const auto main = tokens.create("shop", "main", {"presence:read"}, 0);
  const auto side = tokens.create("shop", "side", {"presence:read"}, 1000);
  const auto both = tokens.create("shop", "*", {"audit:read"}, 0);
  REQUIRE(main);
  REQUIRE(side);
  REQUIRE(both);
  CHECK(!tokens.create("shop", "main", {"audit:read"}, 0));
  CHECK(tokens.find(*main, "main", 1));
  CHECK(!tokens.find(*main, "side", 1));
  CHECK(tokens.find(*side, "side", 999));
  CHECK(!tokens.find(*side, "side", 1000));
  CHECK(tokens.find(*both, "side", 1)->id() == hash_of(*both).substr(0, 32));
  CHECK(tokens.find_id(hash_of(*side).substr(0, 32), "side", 1));
  CHECK(!tokens.find_id(hash_of(*side).substr(0, 32), "main", 1));
  CHECK(!tokens.find_id(hash_of(*side).substr(0, 32), "side", 1000));
  CHECK(!tokens.find_id("", "main", 1));
  CHECK(!tokens.find("", "main", 1));
  CHECK(!tokens.find(hash_of(*main), "main", 1));
  CHECK(!tokens.revoke("shop", "other"));
  CHECK(tokens.revoke("shop", "side"));
  CHECK(!tokens.find(*side, "side", 1));
  CHECK(tokens.find(*main, "main", 1));
  CHECK(tokens.find(*both, "side", 1));
  // Another process's change is seen, too.
  Tokens other(scratch.path());
  CHECK(other.revoke("shop", "*"));
  CHECK(!tokens.find(*both, "side", 1));
  CHECK(!other.create("root", "main", {"server:admin"}, 0));
  CHECK(other.create("root", "*", {"server:admin"}, 0));
}

TEST_CASE("a token's name is one line of text, and no line of the file is somebody else's",
          "[net]") {
  const test::Scratch scratch;
  Tokens tokens(scratch.path());
  REQUIRE(tokens.create("first", "*", {"presence:read"}, 0));
  const std::string before = test::slurp(scratch.path() / "tokens");
  const std::string forged = "x\n" + hash_of("rc_evil") + " * admin,server:admin 0 evil";
  for (const std::string& name :
       {forged, std::string(), std::string(" x"), std::string("a\rb"), std::string("a\0b", 3),
        std::string("a\x7f"), std::string("\xff"), std::string(201, 'x')}) {
    INFO(name);
    const auto made = tokens.create(name, "*", {"presence:read"}, 0);
    REQUIRE(!made);
    CHECK(made.error().code == store::Errc::BadInput);
  }
  CHECK(test::slurp(scratch.path() / "tokens") == before);
  CHECK(!tokens.find("rc_evil", "main", 1));
  CHECK(tokens.create("Zoë’s phone – the red one", "*", {"presence:read"}, 0));
  CHECK(tokens.list()->back().name == "Zoë’s phone – the red one");
}

TEST_CASE("a file of an older version: who was admin everywhere governs the server, no one else",
          "[net]") {
  const test::Scratch scratch;
  std::ofstream(scratch.path() / "tokens") << hash_of("one") << " * admin 0 admin\n"
                                           << hash_of("two") << " main admin 0 of main\n"
                                           << hash_of("six") << " * audit:read 0 auditor\n";
  Tokens tokens(scratch.path());
  CHECK(may(tokens.find("one", "main", 1), "server:admin"));
  CHECK(may(tokens.find("two", "main", 1), "admin"));
  CHECK(!may(tokens.find("two", "main", 1), "server:admin"));
  CHECK(!may(tokens.find("six", "main", 1), "admin"));
  // It stays so when the file is written anew; from then on admin everywhere is no more than that.
  const auto later = tokens.create("later", "*", {"admin"}, 0);
  REQUIRE(later);
  CHECK(may(tokens.find("one", "main", 1), "server:admin"));
  CHECK(!may(tokens.find("two", "main", 1), "server:admin"));
  CHECK(may(tokens.find(*later, "main", 1), "admin"));
  CHECK(!may(tokens.find(*later, "main", 1), "server:admin"));
}

TEST_CASE("tokens made by several at once are all there", "[net]") {
  const test::Scratch scratch;
  constexpr std::size_t kThreads = 6, kEach = 4;
  std::vector<std::vector<std::string>> made(kThreads);
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < kThreads; ++t)
    threads.emplace_back([&, t] {
      Tokens tokens(scratch.path());
      for (std::size_t i = 0; i < kEach; ++i)
        if (const auto token = tokens.create(std::to_string(t) + "." + std::to_string(i), "*",
                                             {"presence:read"}, 0))
          made[t].push_back(*token);
    });
  for (auto& thread : threads) thread.join();
  const Tokens tokens(scratch.path());
  for (const auto& some : made) {
    CHECK(some.size() == kEach);
    for (const auto& token : some) CHECK(tokens.find(token, "main", 1));
  }
}

TEST_CASE("a sign-out is remembered until the cookie has run out, over restarts", "[net]") {
  const test::Scratch scratch;
  std::string key;
  {
    SignedOut out(scratch.path());
    key = out.key();
    CHECK(key.size() == 64);
    CHECK(!out.contains("a"));
    REQUIRE(out.add("a", 1000, 1));
    REQUIRE(out.add("b", 2000, 1));
    CHECK(out.contains("a"));
  }
  SignedOut out(scratch.path());
  CHECK(out.key() == key);
  CHECK(out.contains("a"));
  CHECK(out.contains("b"));
  CHECK(!out.contains("c"));
  REQUIRE(out.add("c", 3000, 1500));  // the cookie of a opens nothing by now anyhow
  const SignedOut again(scratch.path());
  CHECK(!again.contains("a"));
  CHECK(again.contains("b"));
  CHECK(again.contains("c"));
  for (const char* name : {"page.key", "signed-out"}) {
    const auto mode = std::filesystem::status(scratch.path() / name).permissions();
    CHECK((mode & (std::filesystem::perms::group_all | std::filesystem::perms::others_all)) ==
          std::filesystem::perms::none);
  }
}
