// Requests that go out: limits, and being given up.
#include "net/loop/http.h"
#include "tests/support/given_up.h"
#include "tests/support/results.h"

#include <arpa/inet.h>
#include <catch2/catch.hpp>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <thread>

using namespace rollcall;

namespace {

/// Listens on loopback; `serve` sees each connection.
class Listener {
 public:
  Listener() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    REQUIRE(::bind(fd_, reinterpret_cast<sockaddr*>(&address), size) == 0);
    REQUIRE(::listen(fd_, 8) == 0);
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
  }
  ~Listener() { ::close(fd_); }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  [[nodiscard]] std::string url() const {
    return "http://user:pw@127.0.0.1:" + std::to_string(port_) + "/path?q=1";
  }
  /// Reads a request's head and answers with these words.
  int answer(const std::string& words) const {
    const int fd = ::accept(fd_, nullptr, nullptr);
    std::string got;
    std::array<char, 4096> buffer{};
    while (got.find("\r\n\r\n") == std::string::npos) {
      const ssize_t n = ::recv(fd, buffer.data(), buffer.size(), 0);
      if (n <= 0) break;
      got.append(buffer.data(), static_cast<std::size_t>(n));
    }
    (void)!::send(fd, words.data(), words.size(), MSG_NOSIGNAL);
    return fd;
  }

 private:
  int fd_;
  std::uint16_t port_ = 0;
};

}  // namespace

TEST_CASE("a request is given up at once when nobody wants it any more", "[net]") {
  test::check_given_up_at_once(Listener());
}

TEST_CASE("an answer comes whole with status and type, and one that is too long is refused",
          "[net]") {
  const Listener listener;
  const auto ask = [&](const std::string& words) {
    std::thread other([&] { ::close(listener.answer(words)); });
    const auto reply = net::post(listener.url(), "{}");
    other.join();
    return reply;
  };
  const auto reply =
      ask("HTTP/1.1 404 Not Found\r\nContent-Type: text/x\r\nContent-Length: 4\r\n\r\nbody");
  REQUIRE(reply.has_value());
  CHECK(reply->status == 404);
  CHECK(reply->type == "text/x");
  CHECK(reply->body == "body");
  const auto moved =
      ask("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n");
  REQUIRE(moved.has_value());
  CHECK(moved->status == 302);  // nobody is sent elsewhere
  CHECK(ask("HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n" + std::string(300'000, 'x'))
            .has_error());
  CHECK(ask("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf").has_error());
  CHECK(ask("nonsense\r\n\r\n").has_error());
}

TEST_CASE("a stream's pieces come until one is enough", "[net]") {
  const Listener listener;
  std::thread other([&] {
    ::close(
        listener.answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                        "3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"));
  });
  std::string got;
  const auto reply = net::get_streaming(listener.url(), {}, [&](std::string_view piece) {
    got += piece;
    return got.find("two") == std::string::npos;
  });
  other.join();
  REQUIRE(reply.has_value());
  CHECK(reply->status == 200);
  CHECK(got == "onetwo");
}

TEST_CASE("a place in a message has no credentials, path or query", "[net]") {
  CHECK(net::place_of("https://user:p@ss@example.com:8443/secret?x#y") ==
        "https://example.com:8443");
  CHECK(net::place_of("http://example.com") == "http://example.com");
  CHECK(net::place_of("http://[::1]:80/") == "http://[::1]:80");
  CHECK(net::get("ftp://u:pw@h/x").error().code == store::Errc::BadInput);
  CHECK(net::get("ftp://u:pw@h/x").error().detail.find("pw") == std::string::npos);
}
