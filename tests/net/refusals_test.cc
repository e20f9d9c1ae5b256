// What outsiders cause in the log: how much of it, and what it may hold.
#include "net/wire/refusals.h"

#include <catch2/catch.hpp>

using namespace rollcall::net;

TEST_CASE("a flood of refusals is a few lines, and the next line says how many were held back",
          "[net]") {
  LogLimit limit(3, 1);
  const LogLimit::Clock::time_point start{};
  for (int i = 0; i < 3; ++i) CHECK(limit.admit(start) == 0U);
  for (int i = 0; i < 1000; ++i) CHECK_FALSE(limit.admit(start));
  CHECK_FALSE(limit.admit(start + std::chrono::milliseconds(900)));
  CHECK(limit.admit(start + std::chrono::milliseconds(1900)) == 1001U);
  CHECK_FALSE(limit.admit(start + std::chrono::milliseconds(1950)));
  // However long it was quiet, no more than the burst comes at once.
  const auto later = start + std::chrono::hours(5);
  int lines = 0;
  for (int i = 0; i < 100; ++i) lines += limit.admit(later) ? 1 : 0;
  CHECK(lines == 3);
}

TEST_CASE("what an outsider sent cannot break a line of the log or fill it", "[net]") {
  CHECK(for_log("plain text") == "plain text");
  CHECK(for_log("a\nb\x1b[31m\xd8\x9c\\") == R"(a\x0ab\x1b[31m\xd8\x9c\x5c)");
  CHECK(for_log(std::string(5000, 'x')) == std::string(100, 'x') + "...");
}

TEST_CASE("what a sentence quotes stays out of the log", "[net]") {
  CHECK(without_quoted("'private-presence.ada' is not a channel's name") == "'...'s name");
  CHECK(without_quoted("no user 'o'brien' is known") == "no user '...' is known");
  CHECK(without_quoted("the body is not JSON") == "the body is not JSON");
}
