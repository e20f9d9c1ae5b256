// What stands before a request is answered: its head, its target, who asks, how much he may.
#include "net/access/quota.h"
#include "net/loop/workers.h"
#include "net/v1/endpoint.h"
#include "net/wire/client_address.h"
#include "net/wire/error_reply.h"
#include "net/wire/proxy_protocol.h"
#include "net/wire/request_head.h"

#include <catch2/catch.hpp>

#include <future>

using namespace rollcall;
using namespace rollcall::net;

namespace {

HttpRequest with(std::vector<std::pair<std::string, std::string>> headers) {
  HttpRequest out;
  out.headers = std::move(headers);
  return out;
}

std::span<const std::uint8_t> bytes_of(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

}  // namespace

TEST_CASE("a head that two readers could read differently is refused", "[net]") {
  const std::pair<std::string, std::string> host{"host", "a:80"};
  CHECK_FALSE(head_fault(with({host}), 11));
  CHECK_FALSE(head_fault(with({}), 10));
  CHECK_FALSE(head_fault(with({host, {"transfer-encoding", " Chunked "}}), 11));
  CHECK_FALSE(head_fault(with({host, {"content-length", "10"}}), 11));
  CHECK_FALSE(head_fault(with({{"host", "[::1]:80"}}), 11));
  CHECK(head_fault(with({}), 11));
  CHECK(head_fault(with({host, host}), 11));
  for (const std::string good : {"a", "a:", "[::1]", "[::1]:443", "a:65535"})
    CHECK_FALSE(head_fault(with({{"host", good}}), 11));
  for (const std::string bad :
       {"a b",     "a/b",     "a@b",          "a,b",         "a\tb",    "a\"b",
        "a:b",     "a:80:80", "a:123456",     "[::1",        "[::1]:x", "a:-1",
        "a:65536", "a:99999", "[::1]:65536",  "[::1]:99999", "a:0",     "[::1]:0",
        "[::1]80", "[a]:80",  "[1.2.3.4]:80", "[]:80",       "::1",     "::1:80"})
    CHECK(head_fault(with({{"host", bad}}), 11));
  for (const std::string bad :
       {"xchunked", "identity", "gzip, chunked", "chunked, identity", "chunked;q=1", "",
        "\x0b"
        "chunked",
        "chunked,"})
    CHECK(head_fault(with({host, {"transfer-encoding", bad}}), 11));
  CHECK(head_fault(with({host, {"transfer-encoding", "chunked"}, {"transfer-encoding", "chunked"}}),
                   11));
  CHECK(head_fault(with({host, {"transfer-encoding", "chunked"}, {"content-length", "5"}}), 11));
  CHECK(head_fault(with({host, {"transfer-encoding", "chunked"}}), 10));
  CHECK(head_fault(with({host, {"content-length", "5"}, {"content-length", "5"}}), 11));
  for (const std::string bad : {"", "-1", "+1", "0x5", "5, 5", "5 5", "99999999999999999999"})
    CHECK(head_fault(with({host, {"content-length", bad}}), 11));
}

TEST_CASE("a target may be a whole URL, whose host counts", "[net]") {
  const auto target = read_target("HTTP://presence.example:8080/up?x=1");
  CHECK(target.authority == "presence.example:8080");
  CHECK(target.path == "/up");
  CHECK(target.query == "x=1");
  CHECK(read_target("http://a").path == "/");
  CHECK(read_target("http://a?q").query == "q");
  CHECK(read_target("/x?u=http://a/b").path == "/x");
  CHECK(read_target("/x?u=http://a/b").authority.empty());
  CHECK(read_target("ftp://a/b").authority.empty());
}

TEST_CASE("a path's prefix is a whole segment, however it is written", "[net]") {
  for (const std::string text : {"/sockets", "/sockets/", "sockets", "sockets//", "//sockets"})
    CHECK(normal_prefix(text) == "/sockets");
  CHECK(normal_prefix("/a//b/") == "/a/b");
  for (const std::string text : {"", "/", "//"}) CHECK(normal_prefix(text)->empty());
  for (const std::string text : {"/a?b", "/a#b", "/a b", "\\a"}) CHECK_FALSE(normal_prefix(text));
  CHECK(below_prefix("/sockets/app/k", "/sockets") == "/app/k");
  CHECK(below_prefix("/sockets", "/sockets") == "/");
  CHECK_FALSE(below_prefix("/socketsapp/k", "/sockets"));
  CHECK(below_prefix("/app/k", "") == "/app/k");
}

TEST_CASE("what a request expects, and the date of an answer", "[net]") {
  CHECK(expectation_of(with({{"expect", "100-Continue"}}), 11) == Expectation::Continue);
  CHECK(expectation_of(with({{"expect", "100-continue"}}), 10) == Expectation::None);
  CHECK(expectation_of(with({{"expect", "a miracle"}}), 11) == Expectation::Unknown);
  CHECK(http_date(784111777) == "Sun, 06 Nov 1994 08:49:37 GMT");  // RFC 9110's example
}

TEST_CASE("networks of both families contain what they say", "[net]") {
  const auto some =
      Networks::parse({"10.0.0.0/8", "192.0.2.7", "2001:db8::/33", "::1", "0.0.0.0/0"}).value();
  CHECK(some.contain("8.8.8.8"));
  const auto n = Networks::parse({"10.0.0.0/9", "192.0.2.7", "2001:db8::/33", "::1"}).value();
  for (const std::string in :
       {"10.127.0.1", "192.0.2.7", "::ffff:192.0.2.7", "2001:db8:7fff::1", "::1"})
    CHECK(n.contain(in));
  for (const std::string out : {"10.128.0.1", "192.0.2.8", "2001:db8:8000::1", "::2", "", "x"})
    CHECK_FALSE(n.contain(out));
  for (const std::string bad :
       {"", "10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/x", "name", "/8"})
    CHECK_FALSE(Networks::parse({bad}).has_value());
  CHECK(address_of_node("192.0.2.1:4711") == "192.0.2.1");
  CHECK(address_of_node("[2001:DB8::1]:80") == "2001:db8::1");
  CHECK(address_of_node("2001:db8::1") == "2001:db8::1");
  for (const std::string bad : {"unknown", "_hidden", "", "[::1", "[::1]x", "1.2.3"})
    CHECK_FALSE(address_of_node(bad));
  CHECK(limit_key("192.0.2.1") == "192.0.2.1");
  CHECK(limit_key("2001:db8:1:2:3::4") == limit_key("2001:db8:1:2::9"));
  CHECK(limit_key("2001:db8:1:3::4") != limit_key("2001:db8:1:2::9"));
}

TEST_CASE("the client is the rightmost address that no trusted proxy has", "[net]") {
  const auto trusted = Networks::parse({"10.0.0.0/8", "fd00::/8"}).value();
  const auto client = [&](std::vector<std::pair<std::string, std::string>> headers,
                          const std::string& peer = "10.0.0.1", bool tls = false) {
    const Client found = client_of(with(std::move(headers)), peer, tls, trusted);
    return found.address + (found.tls ? " tls" : "");
  };
  CHECK(client({}) == "10.0.0.1");
  CHECK(client({{"x-forwarded-for", "198.51.100.7"}}) == "198.51.100.7");
  CHECK(client({{"x-forwarded-for", "198.51.100.7"}}, "203.0.113.9") == "203.0.113.9");
  CHECK(client({{"x-forwarded-for", "1.1.1.1, 198.51.100.7, 10.9.9.9"}}) == "198.51.100.7");
  CHECK(client({{"x-forwarded-for", "1.1.1.1"}, {"x-forwarded-for", "198.51.100.7, 10.2.2.2"}}) ==
        "198.51.100.7");
  CHECK(client({{"x-forwarded-for", "10.3.3.3, 10.2.2.2"}}) == "10.3.3.3");
  CHECK(client({{"x-forwarded-for", "198.51.100.7, unknown, 10.2.2.2"}}) == "10.2.2.2");
  CHECK(client({{"x-forwarded-for", "[2001:db8::5]:4711"}}) == "2001:db8::5");
  CHECK(client({{"x-forwarded-for", "198.51.100.7"}, {"x-forwarded-proto", "https"}}) ==
        "198.51.100.7 tls");
  CHECK(client({{"x-forwarded-for", "198.51.100.7"}, {"x-forwarded-proto", "http"}}, "10.0.0.1",
               true) == "198.51.100.7");
  // What the client itself wrote stands further left than what its proxy added.
  CHECK(client({{"x-forwarded-for", "198.51.100.7"}, {"x-forwarded-proto", "https, http"}}) ==
        "198.51.100.7");
  CHECK(client({{"x-forwarded-for", "198.51.100.7, 10.2.2.2"},
                {"x-forwarded-proto", "https, http"}}) == "198.51.100.7 tls");
  CHECK(client({{"x-forwarded-proto", "https"}}) == "10.0.0.1 tls");
  CHECK(client({{"x-forwarded-proto", "https"}}, "203.0.113.9") == "203.0.113.9");
  CHECK(client({{"forwarded", "for=198.51.100.7;proto=https;by=10.0.0.1"}}) == "198.51.100.7 tls");
  CHECK(client({{"forwarded",
                 "for=1.1.1.1, For=\"[2001:db8::5]:4711\" ; Proto=https,for=10.2.2.2"}}) ==
        "2001:db8::5 tls");
  CHECK(client({{"forwarded", "for=\"_hidden\";proto=https"}}) == "10.0.0.1 tls");
  CHECK(client({{"forwarded", "for=\"198.51.100.7"}}) == "10.0.0.1");
  for (const std::string node : {"198.51.100.7:99999", "[2001:db8::5]:65536",
                                 "198.51.100.7:", "198.51.100.7:x", "[2001:db8::5]x"}) {
    INFO(node);
    CHECK(client({{"x-forwarded-for", node}}) == "10.0.0.1");
    CHECK(client({{"forwarded", "for=\"" + node + "\""}}) == "10.0.0.1");
  }
  CHECK(client({{"forwarded", "for=\"198.51.100.7:_hidden\""}}) == "198.51.100.7");
  CHECK(client({{"x-forwarded-for", "198.51.100.7:65535"}}) == "198.51.100.7");
  // One of the two was written by the client: neither is believed.
  CHECK(client({{"x-forwarded-for", "198.51.100.7"}, {"forwarded", "for=1.1.1.1"}}) == "10.0.0.1");
  CHECK(client({{"x-forwarded-for", "198.51.100.7"}, {"forwarded", "for=198.51.100.7"}}) ==
        "198.51.100.7");
}

TEST_CASE("the PROXY protocol in both versions, whole, in pieces and broken", "[net]") {
  using Is = ProxyHeader::Is;
  const auto read = [](const std::string& text) { return read_proxy_header(bytes_of(text)); };
  const std::string one = "PROXY TCP4 198.51.100.7 10.0.0.1 56324 443\r\n";
  CHECK(read(one + "GET /").address == "198.51.100.7");
  CHECK(read(one + "GET /").size == one.size());
  for (std::size_t n = 0; n < one.size(); ++n) CHECK(read(one.substr(0, n)).is == Is::Incomplete);
  CHECK(read("PROXY TCP6 2001:db8::5 ::1 1 2\r\n").address == "2001:db8::5");
  CHECK(read("PROXY TCP6 2001:db8::5 ::1 0 65535\r\n").address == "2001:db8::5");
  CHECK(read("PROXY UNKNOWN\r\n").is == Is::Whole);
  CHECK(read("PROXY UNKNOWN ffff::1 x\r\n").address.empty());
  for (const std::string bad :
       {"GET / HTTP/1.1\r\n", "PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n", "PROXY TCP4 ::1 ::1 1 2\r\n",
        "PROXY TCP6 1.2.3.4 1.2.3.4 1 2\r\n", "PROXY TCP4 1.2.3.4 1.2.3.4 x 2\r\n", "PROXY \r\n",
        "PROXY TCP4  1.2.3.4 1.2.3.4 1 2\r\n", "\x16\x03\x01",
        "PROXY TCP4 1.2.3.4 1.2.3.4 65536 2\r\n", "PROXY TCP4 1.2.3.4 1.2.3.4 1 99999\r\n",
        "PROXY TCP6 ::1 ::1 65536 2\r\n", "PROXY TCP6 ::1 ::1 1 99999\r\n",
        "PROXY TCP6 ::1 ::1 1 000002\r\n", "PROXY TCP6 ::1 ::1 1 -1\r\n"})
    CHECK(read(bad).is == Is::Broken);
  CHECK(read("PROXY TCP4 " + std::string(200, '1')).is == Is::Broken);

  const std::string mark("\r\n\r\n\0\r\nQUIT\n", 12);
  const auto two = [&](char command, char family, const std::string& rest) {
    return mark + command + family + static_cast<char>(rest.size() >> 8U) +
           static_cast<char>(rest.size() & 255U) + rest;
  };
  const std::string v4("\xc6\x33\x64\x07\x0a\x00\x00\x01\x01\x02\x01\xbb", 12);
  CHECK(read(two('\x21', '\x11', v4)).address == "198.51.100.7");
  const std::string whole = two('\x21', '\x11', v4 + std::string("\x20\x00\x05\x01\0\0\0\0", 8));
  CHECK(read(whole + "x").size == whole.size());
  CHECK(read(whole).tls == true);
  for (std::size_t n = 0; n < whole.size(); ++n)
    CHECK(read(whole.substr(0, n)).is == Is::Incomplete);
  const std::string v6 =
      std::string("\x20\x01\x0d\xb8", 4) + std::string(11, '\0') + "\x05" + std::string(20, '\0');
  CHECK(read(two('\x21', '\x21', v6)).address == "2001:db8::5");
  CHECK(read(two('\x20', '\0', "")).is == Is::Whole);
  CHECK(read(two('\x20', '\0', "")).address.empty());
  CHECK(read(two('\x21', '\x31', std::string(216, '\0'))).address.empty());  // a socket of Unix
  CHECK(read(two('\x21', '\x11', "abc")).is == Is::Broken);
  CHECK(read(two('\x21', '\x11', v4 + std::string("\x20\xff\xff", 3))).is == Is::Broken);
  CHECK(read(two('\x31', '\x11', v4)).is == Is::Broken);
  CHECK(read(mark + "\x21\x11\xff\xff").is == Is::Broken);
}

TEST_CASE("a bucket gives what comes in its time, and a large piece is paid for afterwards",
          "[net]") {
  Rates rates;
  Rates::Clock::time_point now{};
  const auto take = [&](const std::string& who, double cost) {
    return rates.take(who, cost, 10, 2, now);
  };
  for (int i = 0; i < 20; ++i) CHECK_FALSE(take("a", 1));
  CHECK(take("a", 1) == 1U);
  CHECK_FALSE(take("b", 1));
  now += std::chrono::milliseconds(150);
  CHECK_FALSE(take("a", 1));
  now += std::chrono::seconds(10);
  CHECK_FALSE(take("a", 120));
  CHECK(take("a", 1) == 11U);
  now += std::chrono::seconds(11);
  CHECK_FALSE(take("a", 1));
  CHECK_FALSE(rates.take("c", 1e9, 0, 1, now));
}

TEST_CASE("places come back however they are let go of", "[net]") {
  Places::Place last;
  {
    Places places;
    auto one = places.take("a", 2), two = places.take("a", 2);
    CHECK(one);
    CHECK(two);
    CHECK_FALSE(places.take("a", 2));
    CHECK(places.take("b", 2));
    CHECK_FALSE(places.take("c", 0));
    one.reset();
    last = places.take("a", 2);
    CHECK(last);
  }
  last.reset();  // after what gave it
}

TEST_CASE("whoever fails is counted by address, whoever proves himself is not", "[net]") {
  CallerLimits limits;
  limits.failures_per_minute = 3;
  Quotas quotas(limits);
  for (int i = 0; i < 3; ++i)
    CHECK(quotas.let_in(false, "x", "192.0.2.1", "no").error().code == store::Errc::NotPermitted);
  CHECK(quotas.let_in(false, "x", "192.0.2.1", "no").error().code == store::Errc::TooMany);
  CHECK(quotas.let_in(true, "x", "192.0.2.1", "no").has_value());
  CHECK(quotas.let_in(false, "x", "192.0.2.2", "no").error().code == store::Errc::NotPermitted);
}

TEST_CASE("workers do what is asked, refuse what is too much, and end", "[net]") {
  Workers workers(2, 3);
  std::promise<void> go;
  const std::shared_future<void> gone = go.get_future();
  std::atomic<int> begun = 0, done = 0;
  const auto work = [&] {
    ++begun;
    gone.wait();
    ++done;
  };
  CHECK(workers.run(work));
  CHECK(workers.run(work));
  while (begun != 2) std::this_thread::yield();
  CHECK(workers.run([] { throw std::runtime_error("x"); }));
  std::promise<void> last;
  CHECK(workers.run([] {}));
  CHECK(workers.run([&] { last.set_value(); }));
  CHECK_FALSE(workers.run([] {}));
  go.set_value();
  last.get_future().wait();
  workers.stop();
  CHECK(done == 2);
  CHECK_FALSE(workers.run([] {}));
}

TEST_CASE("work that lasts waits behind no other, and threads that idle are used again", "[net]") {
  Workers workers(3, 0, std::chrono::milliseconds(50));
  std::atomic<int> begun = 0;
  const auto lasting = [&](const std::shared_future<void>& gone) {
    return workers.run_at_once([&begun, gone] {
      ++begun;
      gone.wait();
    });
  };
  for (int round = 1; round <= 3; ++round) {
    std::promise<void> go;
    const std::shared_future<void> gone = go.get_future();
    begun = 0;
    // Those of the round before are idle a moment after their work has ended.
    for (int i = 0; i < 3; ++i)
      while (!lasting(gone)) std::this_thread::yield();
    while (begun != 3) std::this_thread::yield();  // each has begun, though none has ended
    CHECK(workers.threads() == 3);
    CHECK_FALSE(lasting(gone));  // as many as there may be, all busy
    go.set_value();
    // Those that are done take the next at once, whether they still idle or have ended meanwhile.
    std::promise<void> taken;
    while (!workers.run_at_once([&] { taken.set_value(); })) std::this_thread::yield();
    taken.get_future().wait();
    if (round == 2)
      while (workers.threads() > 1) std::this_thread::yield();  // the last one stays
  }
  CHECK(workers.threads() >= 1);
  workers.stop();
  CHECK_FALSE(workers.run_at_once([] {}));
}

TEST_CASE("what the system said goes to admins, and our own sentences to everybody", "[net]") {
  using store::Errc;
  const std::string folder = "/srv/data/apps/main";
  const auto told = [&](Errc code, const std::string& detail, bool admin = false) {
    return public_detail({code, detail}, folder, admin);
  };
  const std::string disk = "IO error: No space left on device: /srv/data/apps/main/log/1.log";
  CHECK(told(Errc::Io, disk, true) == disk);
  CHECK(told(Errc::Io, disk).find("/srv") == std::string::npos);
  CHECK(told(Errc::Io, disk).find("space") == std::string::npos);
  CHECK(told(Errc::Io, "outcome-unknown: " + disk).starts_with("outcome-unknown: "));
  CHECK(told(Errc::Io, "outcome-unknown: " + disk).find("/srv") == std::string::npos);
  CHECK(told(Errc::Tampered, "leaf 5").find("leaf") == std::string::npos);
  CHECK(told(Errc::NotFound, "no file " + folder + "/x").find("/srv") == std::string::npos);
  CHECK(told(Errc::NotFound, "there is no such user") == "there is no such user");
  CHECK(told(Errc::Io, "the log is being opened anew: try again") ==
        "the log is being opened anew: try again");
}

TEST_CASE("a number in a query or a body is in its range, or refused", "[net]") {
  const auto read = [](const json::value& value) {
    std::uint64_t out = 0;
    return static_cast<bool>(read_value(value, out, "after"));
  };
  CHECK(read("0"));
  CHECK(read("9223372036854775807"));
  CHECK(read(std::uint64_t{9223372036854775807U}));
  for (const char* bad : {"9223372036854775808", "18446744073709551615", "18446744073709551616",
                          "99999999999999999999999", "-1", "1e3", "+1", "", " 1", "0x1"})
    CHECK_FALSE(read(bad));
  for (const json::value& bad : {json::value(std::uint64_t{18446744073709551615U}), json::value(-1),
                                 json::value(1.5), json::value(1e300), json::value(true)})
    CHECK_FALSE(read(bad));
  std::uint32_t small = 0;
  CHECK_FALSE(read_value(json::value("4294967296"), small, "n").has_value());
  CHECK_FALSE(read_value(json::value(4294967296), small, "n").has_value());
}
