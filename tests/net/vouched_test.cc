// What sockets rest on, and which of them end with it.
#include "net/access/vouched.h"

#include <catch2/catch.hpp>

#include <algorithm>

using rollcall::net::Vouched;
using rollcall::net::Voucher;

namespace {

std::vector<rollcall::net::ConnectionId> ended(Vouched& vouched, const std::string& over) {
  std::vector<rollcall::net::ConnectionId> out;
  for (const auto& e : vouched.take_ended([&](const Voucher& v) {
         return v.token != over && v.sign_in != over && v.name != over;
       }))
    out.push_back(e.connection);
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace

TEST_CASE("a socket ends with any one thing that it rests on, and with nothing else", "[net]") {
  Vouched vouched;
  CHECK(vouched.empty());
  vouched.add(1, {"token:a", "ta", "s1", 0});
  vouched.add(2, {"token:a", "ta", "s2", 0});
  vouched.add(2, {"jwt:bob", "", "", 900});
  vouched.add(3, {"token:b", "tb", "s3", 0});
  CHECK(vouched.size() == 3);
  CHECK(ended(vouched, "nothing").empty());
  CHECK(ended(vouched, "s1") == std::vector<rollcall::net::ConnectionId>{1});
  CHECK(ended(vouched, "s1").empty());
  CHECK(ended(vouched, "jwt:bob") == std::vector<rollcall::net::ConnectionId>{2});
  CHECK(ended(vouched, "ta").empty());  // 2 is gone from there, too
  CHECK(ended(vouched, "tb") == std::vector<rollcall::net::ConnectionId>{3});
  CHECK(vouched.empty());
}

TEST_CASE(
    "of one sign-in the later end counts, each JWT has its own, and nothing is kept of who "
    "has gone",
    "[net]") {
  Vouched vouched;
  std::vector<std::int64_t> untils;
  const auto look = [&] {
    untils.clear();
    return vouched.take_ended([&](const Voucher& v) {
      untils.push_back(v.until);
      return true;
    });
  };
  vouched.add(1, {"token:a", "ta", "s", 100});
  vouched.add(1, {"token:a", "ta", "s", 300});
  vouched.add(2, {"token:a", "ta", "s", 200});
  CHECK(look().empty());
  CHECK(untils == std::vector<std::int64_t>{300});
  vouched.add(2, {"token:a", "ta", "s", 0});
  (void)look();
  CHECK(untils == std::vector<std::int64_t>{0});
  vouched.forget(1);
  vouched.forget(1);
  CHECK(vouched.size() == 1);
  vouched.forget(2);
  vouched.forget(7);
  CHECK(vouched.empty());
  (void)look();
  CHECK(untils.empty());
  // Two sockets of one person, whose tokens end at other times.
  vouched.add(8, {"jwt:ada", "", "", 100});
  vouched.add(9, {"jwt:ada", "", "", 200});
  const auto first = vouched.take_ended([](const Voucher& v) { return v.until > 150; });
  REQUIRE(first.size() == 1);
  CHECK(first[0].connection == 8);
  vouched.forget(9);
  // Whose sign-in can be taken back hears another word than whose token ran out.
  vouched.add(4, {"jwt:ada", "", "", 100});
  vouched.add(5, {"token:a", "", "s", 100});
  auto over = vouched.take_ended([](const Voucher&) { return false; });
  std::sort(over.begin(), over.end(),
            [](const auto& a, const auto& b) { return a.connection < b.connection; });
  REQUIRE(over.size() == 2);
  CHECK(!over[0].revocable);
  CHECK(over[1].revocable);
}
