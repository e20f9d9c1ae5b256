// A coroutine, where there is anything to wait for.
#include "net/http/arrival.h"

#include "net/http/front.h"
#include "net/loop/tls.h"
#include "net/wire/proxy_protocol.h"
#include "net/wire/refusals.h"
#include "net/wire/request_head.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>

#include <array>
#include <vector>

namespace rollcall::net::inline http {
namespace {

namespace asio = boost::asio;
using Protocol = asio::generic::stream_protocol;
constexpr auto as_result = asio::as_tuple(asio::use_awaitable);
constexpr std::uint8_t kTlsHandshake =
    22;  // RFC 8446 section 5.1: how a ClientHello's record begins

/// A socket on its way; closed where nothing takes it over.
struct Arrival {
  Arrival(Api& to, Shard& on, int fd, Peer from)
      : api(to),
        shard(on),
        socket(on.loop().io()),
        timer(on.loop().io()),
        peer(std::move(from)),
        counted(std::make_shared<Counted>(to.context().http_sessions)) {
    boost::system::error_code ec;
    socket.assign(Protocol(AF_UNSPEC, 0), fd, ec);
  }
  Api& api;
  Shard& shard;
  Protocol::socket socket;
  asio::steady_timer timer;
  Peer peer;                      ///< tls: our own is to be spoken
  bool client_spoke_tls = false;  ///< to the proxy
  std::shared_ptr<Counted> counted;
};

/// Reads the header byte by byte no further than it goes; what follows stays in the socket.
asio::awaitable<bool> take_proxy_header(Arrival& a) {
  std::vector<std::uint8_t> head;
  std::array<std::uint8_t, kProxyHeaderMost> bytes;
  while (true) {
    const auto [failed] = co_await a.socket.async_wait(asio::socket_base::wait_read, as_result);
    if (failed) co_return false;
    const ssize_t seen =
        ::recv(a.socket.native_handle(), bytes.data(), bytes.size(), MSG_PEEK | MSG_DONTWAIT);
    if (seen <= 0) co_return false;
    const std::size_t before = head.size();
    head.insert(head.end(), bytes.begin(), bytes.begin() + seen);
    const ProxyHeader header = read_proxy_header(head);
    const bool whole = header.is == ProxyHeader::Is::Whole;
    if (header.is == ProxyHeader::Is::Broken || (!whole && head.size() > kProxyHeaderMost)) {
      static LogLimit limit(1, 0.1);
      if (const auto passed = limit.admit())
        spdlog::warn(
            "a connection of the trusted proxy {} does not begin with a PROXY header and "
            "is closed; {} more were since the last such line",
            a.peer.address, *passed);
      co_return false;
    }
    const std::size_t mine = whole ? header.size - before : static_cast<std::size_t>(seen);
    if (::recv(a.socket.native_handle(), bytes.data(), mine, MSG_DONTWAIT) !=
        static_cast<ssize_t>(mine))
      co_return false;
    if (!whole) continue;
    if (!header.address.empty()) a.peer.address = header.address;
    a.client_spoke_tls = header.tls.value_or(false);
    co_return true;
  }
}

/// Says in plain text that TLS is spoken here, to whoever does not.
asio::awaitable<void> refuse_plain(Arrival& a) {
  static LogLimit limit(1, 0.1);
  if (const auto passed = limit.admit())
    spdlog::warn(
        "somebody spoke no TLS to a port where TLS is spoken (https://, wss://); {} more "
        "did since the last such line",
        *passed);
  const HttpReply reply = problem(400, "this port speaks TLS: use https:// or wss://");
  const std::string text = fmt::format(
      "HTTP/1.1 400 Bad Request\r\nDate: {}\r\nContent-Type: {}\r\nConnection: "
      "close\r\nContent-Length: {}\r\n\r\n{}",
      date_now(), reply.type, reply.body.size(), reply.body);
  const auto [unsent, n] = co_await asio::async_write(a.socket, asio::buffer(text), as_result);
  boost::system::error_code ec;
  a.socket.shutdown(asio::socket_base::shutdown_send, ec);
  constexpr auto kReadOn = std::chrono::seconds(2);
  a.timer.expires_after(kReadOn);
  std::array<char, 4096> waste;
  while (!unsent) {  // closed with bytes unread, it would take the answer along
    const auto [gone, m] = co_await a.socket.async_read_some(asio::buffer(waste), as_result);
    if (gone) break;
  }
}

asio::awaitable<void> arrive(std::shared_ptr<Arrival> a, bool proxied) {
  if (proxied) {
    const bool taken = co_await take_proxy_header(*a);
    if (!taken) co_return;
  }
  boost::system::error_code ec;
  if (!a->peer.tls) {
    a->timer.cancel();
    const int fd = a->socket.release(ec);
    a->peer.tls = a->client_spoke_tls;
    if (!ec) serve_front(a->api, a->shard, fd, a->peer);
    co_return;
  }
  const auto [failed] = co_await a->socket.async_wait(asio::socket_base::wait_read, as_result);
  if (failed) co_return;
  std::uint8_t first = 0;
  if (::recv(a->socket.native_handle(), &first, 1, MSG_PEEK | MSG_DONTWAIT) != 1) co_return;
  if (first != kTlsHandshake) {
    co_await refuse_plain(*a);
    co_return;
  }
  a->timer.cancel();
  const int fd = a->socket.release(ec);
  if (ec) co_return;
  auto& io = a->shard.loop().io();
  // The pair holds two descriptors more for as long as the connection lives.
  auto pair = std::make_shared<Counted>(a->api.context().tls_pairs);
  a->api.context().tls->accept(
      io, fd,
      [&api = a->api, &shard = a->shard, peer = a->peer, counted = std::move(a->counted),
       pair = std::move(pair)](int plain) mutable {
        serve_front(api, shard, plain, peer);
        counted.reset();
      });
}

}  // namespace

void receive(Api& api, Shard& shard, int fd, Peer peer) {
  const Settings& settings = api.context().settings;
  const bool proxied =
      !peer.local && settings.proxy_protocol && settings.trusted_proxies.contain(peer.address);
  if (!peer.tls && !proxied) {
    serve_front(api, shard, fd, std::move(peer));
    return;
  }
  const auto arrival = std::make_shared<Arrival>(api, shard, fd, std::move(peer));
  arrival->timer.expires_after(std::chrono::seconds(api.context().settings.handshake_timeout_s));
  const auto close_late = [](auto self, std::weak_ptr<Arrival> weak) -> void {
    const auto held = weak.lock();
    if (!held) return;
    held->timer.async_wait([self, weak](const boost::system::error_code& ec) {
      const auto late = weak.lock();
      if (!late) return;
      boost::system::error_code ignored;
      if (!ec)
        late->socket.close(ignored);
      else if (late->timer.expiry() > std::chrono::steady_clock::now())
        self(self, weak);  // was given more time
    });
  };
  close_late(close_late, arrival);
  asio::co_spawn(shard.loop().io(), arrive(arrival, proxied), asio::detached);
}

}  // namespace rollcall::net::inline http
