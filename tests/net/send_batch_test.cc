// Many sends in one call: what each of them gave, with io_uring and without.
#include "net/loop/send_batch.h"

#include <catch2/catch.hpp>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <vector>

using rollcall::net::SendBatch;

namespace {

/// Two ends of a connection; what is sent into `near` is read from `far`.
class Pair {
 public:
  Pair() {
    std::array<int, 2> ends{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
    near = ends[0];
    far = ends[1];
  }
  ~Pair() {
    ::close(near);
    hang_up();
  }
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;
  void hang_up() {
    if (far >= 0) ::close(far);
    far = -1;
  }
  /// All that is there now.
  [[nodiscard]] std::string read() const {
    std::string out;
    std::array<char, 65536> buffer;
    ssize_t n = 0;
    while ((n = ::recv(far, buffer.data(), buffer.size(), MSG_DONTWAIT)) > 0)
      out.append(buffer.data(), static_cast<std::size_t>(n));
    return out;
  }
  int near = -1, far = -1;
};

}  // namespace

TEST_CASE("every send of a batch reaches its own socket", "[net]") {
  SendBatch batch(GENERATE(true, false));
  std::vector<Pair> pairs(SendBatch::kSends);
  for (const std::string round : {"first", "second", "third"}) {
    std::vector<std::string> texts;
    for (std::size_t i = 0; i < pairs.size(); ++i) texts.push_back(round + std::to_string(i));
    for (std::size_t i = 0; i < pairs.size(); ++i) batch.add(pairs[i].near, texts[i]);
    const auto results = batch.run();
    REQUIRE(results.size() == pairs.size());
    for (std::size_t i = 0; i < pairs.size(); ++i) {
      CHECK(results[i] == static_cast<ssize_t>(texts[i].size()));
      CHECK(pairs[i].read() == texts[i]);
    }
    CHECK(batch.size() == 0);
  }
}

TEST_CASE("a batch says of each socket what it took, and waits for none", "[net]") {
  SendBatch batch(GENERATE(true, false));
  const Pair open, slow, full;
  Pair gone;
  gone.hang_up();
  const std::string much(8 * 1024 * 1024, 'm');  // more than a socket holds
  while (::send(full.near, much.data(), much.size(), MSG_DONTWAIT) > 0) {
  }
  batch.add(open.near, "hello");
  batch.add(slow.near, much);
  batch.add(full.near, "no room");
  batch.add(gone.near, "nobody");
  batch.add(-1, "no socket");
  batch.add(open.near, "world");
  const auto results = batch.run();
  REQUIRE(results.size() == 6);
  CHECK(results[0] == 5);
  CHECK(results[1] > 0);
  CHECK(results[1] < static_cast<ssize_t>(much.size()));
  CHECK(results[2] == -EAGAIN);
  CHECK(results[3] == -EPIPE);
  CHECK(results[4] == -EBADF);
  CHECK(results[5] == 5);
  CHECK(open.read() == "helloworld");
  CHECK(slow.read() == much.substr(0, static_cast<std::size_t>(results[1])));

  batch.add(open.near, "alone");
  CHECK(batch.run()[0] == 5);
  CHECK(open.read() == "alone");
}
