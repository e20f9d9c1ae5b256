// rollcall sim as a user runs it: into a store, into a file, through a pipe into an import.
#include "tests/support/process.h"
#include "tests/support/scratch.h"

#include <catch2/catch.hpp>

#include <cstdlib>

using namespace rollcall;
using test::run_rollcall;
using test::Scratch;

namespace {

std::vector<std::string> sim(std::initializer_list<std::string> more = {}) {
  std::vector<std::string> out{"sim", "--seed", "5", "--users", "20", "--days", "10"};
  out.insert(out.end(), more);
  return out;
}

}  // namespace

TEST_CASE("an invented store verifies, replays and takes no second history", "[cli][sim]") {
  const Scratch scratch(Scratch::On::Memory);
  const auto made = run_rollcall(scratch.path(), sim({"-o", "ndjson"}));
  REQUIRE(made.code == 0);
  CHECK(made.out.starts_with(R"({"users":20,"days":10,"logins":)"));
  CHECK(run_rollcall(scratch.path(), {"verify", "--full", "--replay", "--strict"}).code == 0);
  const auto replayed = run_rollcall(scratch.path(), {"replay", "--sink", "null", "--check"});
  CHECK(replayed.code == 0);
  CHECK(replayed.err.find("10 compared, all equal") != std::string::npos);
  const auto gaps = run_rollcall(scratch.path(), {"store", "gaps", "-o", "ndjson"});
  CHECK(gaps.out.starts_with(R"({"seq":)"));
  const auto again = run_rollcall(scratch.path(), sim());
  CHECK(again.code == 3);
  CHECK(again.err.find("has a log: an invented history goes into a new store only") !=
        std::string::npos);
}

TEST_CASE("one seed gives one file, and an import takes it from standard input", "[cli][sim]") {
  const Scratch scratch(Scratch::On::Memory);
  const auto file = scratch.path() / "history.ndjson";
  REQUIRE(run_rollcall(scratch.path(), sim({"-O", file.string()})).code == 0);
  const auto printed = run_rollcall(scratch.path(), sim({"-O", "-"}));
  CHECK(printed.code == 0);
  CHECK(printed.err.empty());
  CHECK(printed.out == test::slurp(file));
  CHECK_FALSE(std::filesystem::exists(file.string() + ".part"));
  const Scratch piped(Scratch::On::Memory), read(Scratch::On::Memory);
  const std::string binary = ROLLCALL_BINARY;
  const std::string pipe = binary + " sim --seed 5 --users 20 --days 10 -O - | " + binary + " -d " +
                           piped.path().string() + " -q import - -o csv >" +
                           (piped.path() / "report").string();
  CHECK(std::system(pipe.c_str()) == 0);
  const auto imported = run_rollcall(read.path(), {"import", file.string(), "-o", "csv"});
  CHECK(imported.code == 0);
  CHECK(imported.out == test::slurp(piped.path() / "report"));
}
