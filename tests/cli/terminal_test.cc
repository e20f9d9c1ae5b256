// Answers on a terminal: through a pager, without one, and with names that would move its cursor.
#include "tests/support/process.h"
#include "tests/support/stores.h"

#include <catch2/catch.hpp>

using namespace rollcall;
using test::run_on_terminal;
using test::run_rollcall;
using test::Scratch;

namespace {
bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}
}  // namespace

TEST_CASE("a pager that cannot be started swallows no answer", "[cli][terminal]") {
  const Scratch scratch;
  const auto& dir = scratch.path();
  REQUIRE(run_rollcall(dir, {"login", "ada"}).code == 0);
  for (const std::vector<std::string>& environment :
       std::vector<std::vector<std::string>>{{"TERM=xterm", "PATH=/nowhere"},
                                             {"TERM=xterm", "PAGER=no-such-pager -x"},
                                             {"TERM=xterm", "PAGER=/etc/passwd"},
                                             {"TERM=xterm", "ROLLCALL_PAGER=no-such-pager"},
                                             {"TERM=xterm", "PAGER="},
                                             {"TERM=xterm", "ROLLCALL_PAGER=", "PAGER=false"},
                                             {"TERM=xterm", "PAGER=cat"}}) {
    INFO(environment[1]);
    const auto done = run_on_terminal(dir, {"audit"}, environment);
    CHECK(done.code == 0);
    CHECK(holds(done.out, "ada"));
    CHECK(holds(done.out, "login"));
    const auto wrong = run_on_terminal(dir, {"audit", "-e", "logout", "--fail-empty"}, environment);
    CHECK(wrong.code == 4);
  }
  // One that runs gets the answer, and nothing else shows it.
  const auto paged = run_on_terminal(dir, {"audit"}, {"TERM=xterm", "PAGER=sed s/ada/eve/g"});
  CHECK(holds(paged.out, "eve"));
  CHECK_FALSE(holds(paged.out, "ada"));
}

TEST_CASE("an answer longer than a pipe holds comes whole where the pager does not start",
          "[cli][terminal]") {
  const Scratch scratch;
  const auto& dir = scratch.path();
  (void)test::make_store(dir / "rollcall-data", 3000, 7);
  const auto plain = run_rollcall(dir, {"-o", "wide", "audit"});
  REQUIRE(plain.code == 0);
  REQUIRE(plain.out.size() > 200'000);
  const auto done = run_on_terminal(dir, {"-o", "wide", "audit"},
                                    {"TERM=xterm", "PAGER=no-such-pager 2>/dev/null"});
  CHECK(done.code == 0);
  std::string told;
  for (const char c : done.out)
    if (c != '\r') told += c;
  CHECK(told.ends_with(plain.out));
}

TEST_CASE("a name that turns a line round or moves the cursor is shown, not obeyed",
          "[cli][terminal]") {
  const Scratch scratch;
  const auto& dir = scratch.path();
  const std::string name = "a\xD8\x9C\xE2\x80\xAE\xE2\x81\xA6\xC2\xAD\xEF\xBB\xBF\xF3\xA0\x80\x81z";
  REQUIRE(run_rollcall(dir, {"login", name, "--agent", "x\xE2\x80\xAEy"}).code == 0);
  const std::string shown = "a\\u061c\\u202e\\u2066\\u00ad\\ufeff\\U000e0001z";
  const std::vector<std::string> terminal{"TERM=xterm", "PAGER="};
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
           {"who"},
           {"last"},
           {"audit"},
           {"audit", "-o", "wide"},
           {"show", "2"},
           {"audit", "-o", "csv"},
           {"audit", "stats", "--by", "user"},
           {"who", name + "x"},           // an error
           {"who", "--state", name},      // a wrong word
           {"forget", name, "--dry-run"}  // a plan
       }) {
    const auto done = run_on_terminal(dir, words, terminal);
    INFO(words.front() << ": " << done.out);
    for (const char* hidden : {"\xD8\x9C", "\xE2\x80\xAE", "\xE2\x81\xA6", "\xC2\xAD",
                               "\xEF\xBB\xBF", "\xF3\xA0\x80\x81"})
      CHECK_FALSE(holds(done.out, hidden));
    if (words.front() != "forget") CHECK(holds(done.out, shown));
  }
  const auto json = run_on_terminal(dir, {"who", "-o", "json"}, terminal);
  CHECK(holds(json.out, "a\\u061c\\u202e\\u2066\\u00ad\\ufeff\\udb40\\udc01z"));
}
