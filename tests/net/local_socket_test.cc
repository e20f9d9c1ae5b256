// The server's own socket: its file, its URLs, requests over it, and who asks.
#include "net/loop/local_socket.h"

#include "net/access/local_caller.h"
#include "net/http/received.h"
#include "net/loop/http.h"
#include "tests/support/given_up.h"
#include "tests/support/results.h"
#include "tests/support/scratch.h"

#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>
#include <catch2/catch.hpp>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <fstream>
#include <thread>

using namespace rollcall;
using test::Scratch;

namespace {

namespace fs = std::filesystem;

/// Folders so deep that a socket's address cannot hold the path.
fs::path deep(const fs::path& folder) {
  const fs::path out = folder / std::string(90, 'a') / std::string(90, 'b');
  fs::create_directories(out);
  return out;
}

mode_t mode_of(const fs::path& file) {
  struct stat is {};
  REQUIRE(::lstat(file.c_str(), &is) == 0);
  return is.st_mode & 07777U;
}

/// Listens at a file of its own; answers as it is told.
class Listener {
 public:
  Listener() : file_(scratch_.path() / "socket"), fd_(net::listen_local(file_).value()) {}
  ~Listener() { ::close(fd_); }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  [[nodiscard]] std::string url() const { return net::local_url(file_) + "/path?q=1"; }
  /// Reads a request's head and sends these words; the socket, and in `got` what was read.
  int answer(const std::string& words, std::string* got = nullptr) const {
    pollfd wait{fd_, POLLIN, 0};
    ::poll(&wait, 1, -1);
    const int fd = ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC);
    std::string head;
    std::array<char, 4096> buffer{};
    while (head.find("\r\n\r\n") == std::string::npos) {
      const ssize_t n = ::recv(fd, buffer.data(), buffer.size(), 0);
      if (n <= 0) break;
      head.append(buffer.data(), static_cast<std::size_t>(n));
    }
    if (got != nullptr) *got = head;
    for (std::size_t sent = 0; sent < words.size();) {
      const ssize_t n = ::send(fd, words.data() + sent, words.size() - sent, MSG_NOSIGNAL);
      if (n <= 0) break;
      sent += static_cast<std::size_t>(n);
    }
    return fd;
  }

 private:
  Scratch scratch_;
  fs::path file_;
  int fd_;
};

}  // namespace

TEST_CASE("a local socket is its owner's alone, whatever the umask lets through", "[net]") {
  const Scratch scratch;
  const mode_t before = ::umask(0);
  const auto listening = net::listen_local(scratch.path() / "socket");
  ::umask(before);
  REQUIRE(listening.has_value());
  CHECK(mode_of(scratch.path() / "socket") == 0600);
  CHECK_FALSE(fs::exists(scratch.path() / "socket.new"));
  ::close(*listening);
}

TEST_CASE("what a dead server left is replaced, and nothing else", "[net]") {
  const Scratch scratch;
  const fs::path file = scratch.path() / "socket";
  CHECK(net::connect_local(file).error().code == store::Errc::NotFound);
  ::close(net::listen_local(file).value());
  CHECK(net::connect_local(file).error().code == store::Errc::NotFound);
  const int alive = net::listen_local(file).value();
  ::close(net::connect_local(file).value());
  CHECK(net::listen_local(file).error().code == store::Errc::Conflict);
  ::close(net::connect_local(file).value());
  ::close(alive);
  fs::remove(file);
  std::ofstream(file) << "mine";
  CHECK(net::listen_local(file).error().code == store::Errc::Conflict);
  CHECK(test::slurp(file) == "mine");
}

TEST_CASE("a local socket's file is removed by whose it is", "[net]") {
  const Scratch scratch;
  const fs::path file = scratch.path() / "socket";
  const int first = net::listen_local(file).value();
  net::SocketFile of_first(file);
  ::close(first);
  const int second = net::listen_local(file).value();
  net::SocketFile of_second(file);
  of_first.remove();
  CHECK(fs::exists(file));
  of_second.remove();
  CHECK_FALSE(fs::exists(file));
  of_second.remove();
  ::close(second);
}

TEST_CASE("a local socket may lie deeper than a socket's address reaches", "[net]") {
  const Scratch scratch;
  const fs::path file = deep(scratch.path()) / "socket";
  REQUIRE(file.string().size() > 107);
  const int listening = net::listen_local(file).value();
  CHECK(mode_of(file) == 0600);
  ::close(net::connect_local(file).value());
  CHECK(net::listen_local(file).error().code == store::Errc::Conflict);
  ::close(listening);
  CHECK(net::connect_local(file).error().code == store::Errc::NotFound);
  ::close(net::listen_local(file).value());
  // Just at the edge: 107 bytes fit, and what is bound aside has some more.
  for (std::size_t length = 100; length <= 112; ++length) {
    const std::size_t rest = length - scratch.path().string().size() - 2 - 6;
    const fs::path folder = scratch.path() / std::string(rest, 'c');
    fs::create_directories(folder);
    const int fd = net::listen_local(folder / "socket").value();
    ::close(net::connect_local(folder / "socket").value());
    ::close(fd);
  }
}

TEST_CASE("the URL of a local socket holds any path", "[net]") {
  for (const std::string path : {"/dir/socket", "/a b/ü%41/?#&/s", "/"}) {
    const auto read = net::read_local_url(net::local_url(path) + "/v1/log?app=a%20b");
    REQUIRE(read);
    CHECK(read->file == path);
    CHECK(read->target == "/v1/log?app=a%20b");
  }
  CHECK(net::local_url("/dir/socket") == "unix://%2Fdir%2Fsocket");
  CHECK(net::read_local_url("unix://%2Fs")->target == "/");
  CHECK(net::read_local_url("unix://%2Fs?app=a")->target == "/?app=a");
  for (const char* bad : {"http://%2Fs/", "unix:/s", "unix:///s/v1", "unix://s/v1", "unix://%2/v1",
                          "unix://%2Fa%00b/v1", "unix://"})
    CHECK_FALSE(net::read_local_url(bad));
}

TEST_CASE("an answer over a local socket comes whole, chunked or not, and within bounds", "[net]") {
  const Listener listener;
  std::string head;
  const auto ask = [&](const std::string& words) {
    std::thread other([&] { ::close(listener.answer(words, &head)); });
    auto reply = net::post(listener.url(), "{}", {{"X-Own", "1"}});
    other.join();
    return reply;
  };
  const auto reply =
      ask("HTTP/1.1 404 Not Found\r\nContent-Type: text/x\r\nContent-Length: 4\r\n\r\nbody");
  REQUIRE(reply.has_value());
  CHECK(reply->status == 404);
  CHECK(reply->type == "text/x");
  CHECK(reply->body == "body");
  CHECK(head.starts_with("POST /path?q=1 HTTP/1.1\r\n"));
  CHECK(head.find("X-Own: 1\r\n") != std::string::npos);
  CHECK(head.find("Content-Length: 2\r\n") != std::string::npos);
  const auto chunked =
      ask("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n");
  REQUIRE(chunked.has_value());
  CHECK(chunked->body == "onetwo");
  CHECK(ask("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").value().body.empty());
  const auto to_end = ask("HTTP/1.1 200 OK\r\n\r\nuntil the end");
  CHECK(to_end.value().body == "until the end");
  const std::string most(net::kReplyMax, 'x');
  CHECK(ask(fmt::format("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{}", most.size(), most))
            .value()
            .body == most);
  const auto long_one =
      ask(fmt::format("HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n{}x", most));
  REQUIRE(long_one.has_error());
  CHECK(long_one.error().detail.find("is too long") != std::string::npos);
  const auto half = ask("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
  REQUIRE(half.has_error());
  CHECK(half.error().detail.find("the answer broke off from /") == 0);
  for (const char* none : {"nonsense\r\n\r\n", "HTTP/1.1 200 OK\r\nX", ""}) {
    const auto nothing = ask(none);
    REQUIRE(nothing.has_error());
    CHECK(nothing.error().detail.find("no answer from /") == 0);
  }
}

TEST_CASE("a stream over a local socket is handed over as it comes, until it is enough", "[net]") {
  const Listener listener;
  // The second piece is sent when the first has been taken: nothing is gathered.
  int fd = -1;
  std::thread other([&] {
    fd = listener.answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n");
  });
  std::string got;
  const auto reply = net::get_streaming(listener.url(), {}, [&](std::string_view piece) {
    if (got.empty()) {
      other.join();
      (void)!::send(fd, "3\r\ntwo\r\n5\r\nthree\r\n", 18, MSG_NOSIGNAL);
    }
    got += piece;
    return got.find("three") == std::string::npos;
  });
  ::close(fd);
  REQUIRE(reply.has_value());
  CHECK(reply->status == 200);
  CHECK(got == "onetwothree");
  // A refusal is no stream.
  std::thread refusing(
      [&] { ::close(listener.answer("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno")); });
  const auto refused = net::post_streaming(listener.url(), "{}", {}, [](std::string_view) {
    FAIL("that was no piece of a stream");
    return false;
  });
  refusing.join();
  REQUIRE(refused.has_value());
  CHECK(refused->status == 403);
  CHECK(refused->body == "no");
  // What a reader throws reaches whoever asked.
  std::thread last(
      [&] { ::close(listener.answer("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none")); });
  CHECK_THROWS_AS(net::get_streaming(listener.url(), {},
                                     [](std::string_view) -> bool { throw std::logic_error("x"); }),
                  std::logic_error);
  last.join();
}

TEST_CASE("a refusal that comes before the request was sent whole is heard", "[net]") {
  const Listener listener;
  std::thread other([&] {
    const int fd = listener.answer("HTTP/1.1 413 Too Large\r\nContent-Length: 5\r\n\r\nlarge");
    ::close(fd);
  });
  const auto reply = net::post(listener.url(), std::string(8U << 20, 'x'));
  other.join();
  REQUIRE(reply.has_value());
  CHECK(reply->status == 413);
}

TEST_CASE("a request over a local socket is given up at once when nobody wants it", "[net]") {
  test::check_given_up_at_once(Listener());
}

TEST_CASE("where nothing listens, a request says so", "[net]") {
  const Scratch scratch;
  const auto reply = net::get(net::local_url(scratch.path() / "none") + "/up");
  REQUIRE(reply.has_error());
  CHECK(reply.error().detail == fmt::format("cannot connect to {}/none: No such file or directory",
                                            scratch.path().string()));
  CHECK(net::get("unix://relative/up").error().code == store::Errc::BadInput);
}

TEST_CASE("the system says who is at a local socket, and of others nothing", "[net]") {
  const net::LocalCallers callers;
  std::array<int, 2> pair{};
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()) == 0);
  CHECK(callers.name_of(pair[0]) == net::local_name(::geteuid()));
  for (const int fd : pair) ::close(fd);
  const int tcp = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  CHECK_FALSE(callers.name_of(tcp));
  ::close(tcp);
  CHECK(net::local_name(0) == "local:root");
  CHECK(net::local_name(4'000'000'123) == "local:4000000123");
}

TEST_CASE("nothing in a request makes it local, and nothing in a local one makes it another's",
          "[net]") {
  namespace http = boost::beast::http;
  net::Settings settings;
  settings.trusted_proxies = net::Networks::parse({"127.0.0.1"}).value();
  const net::ServerContext server(std::move(settings));
  http::request<http::string_body> request{http::verb::get, "/v1/me", 11};
  request.set(http::field::host, "elsewhere.example");
  request.set("X-Forwarded-For", "local:root");
  request.set("Forwarded", "for=\"local:root\"");
  request.set("Local", "1");
  const net::HttpRequest far = net::convert(request.base(), server, {"127.0.0.1", false, false});
  CHECK_FALSE(far.local);
  CHECK(far.peer == "127.0.0.1");
  CHECK_FALSE(net::host_answered(far, server));
  request.set("X-Forwarded-For", "192.0.2.7");
  request.set("Forwarded", "for=192.0.2.7;proto=https");
  CHECK(net::convert(request.base(), server, {"127.0.0.1", false, false}).peer == "192.0.2.7");
  const net::HttpRequest near = net::convert(request.base(), server, {"local:ada", false, true});
  CHECK(near.local);
  CHECK(near.peer == "local:ada");
  CHECK_FALSE(near.tls);
  CHECK(net::host_answered(near, server));
}
