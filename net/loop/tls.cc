// The handshake and two pumps.
#include "net/loop/tls.h"

#include "store/bytes/mutex.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <sys/socket.h>

namespace rollcall::net::inline loop {
namespace {

namespace asio = boost::asio;
using Plain = asio::local::stream_protocol::socket;
using Outer = asio::generic::stream_protocol::socket;
using Secure = asio::ssl::stream<Outer>;
constexpr auto as_result = asio::as_tuple(asio::use_awaitable);
constexpr auto kHandshake = std::chrono::seconds(10);
/// For the client to read what was said last, once we have said that nothing more comes.
constexpr auto kFarewell = std::chrono::seconds(2);

/// A connection's two sides; lives until both pumps have ended.
struct Pair {
  Pair(asio::io_context& io, Outer outer, std::shared_ptr<asio::ssl::context> made)
      : context(std::move(made)), secure(std::move(outer), *context), inner(io), timer(io) {}
  std::shared_ptr<asio::ssl::context> context;
  Secure secure;
  Plain inner;
  asio::steady_timer timer;
};

void close_after(const std::shared_ptr<Pair>& pair, std::chrono::seconds time) {
  pair->timer.expires_after(time);
  pair->timer.async_wait([weak = std::weak_ptr(pair)](const boost::system::error_code& ec) {
    const auto held = weak.lock();
    boost::system::error_code ignored;
    if (!ec && held) held->secure.next_layer().close(ignored);
  });
}

/// Whether all was taken until `from` ended by itself.
template <class From, class To>
asio::awaitable<bool> pump(From& from, To& to) {
  std::array<char, 16384> bytes;
  while (true) {
    const auto [failed, n] = co_await from.async_read_some(asio::buffer(bytes), as_result);
    if (failed) co_return true;
    const auto [unsent, m] =
        co_await asio::async_write(to, asio::buffer(bytes.data(), n), as_result);
    if (unsent) co_return false;
  }
}

/// What we say. At its end the client is told so: bytes that were cut off look otherwise
/// (close_notify, RFC 8446 section 6.1).
asio::awaitable<void> pump_out(std::shared_ptr<Pair> pair) {
  const bool whole = co_await pump(pair->inner, pair->secure);
  boost::system::error_code ec;
  if (whole) {
    close_after(pair, kFarewell);
    const auto [unsaid] = co_await pair->secure.async_shutdown(as_result);
    (void)unsaid;  // it has gone, or sent something that nobody reads any more
    pair->secure.next_layer().shutdown(asio::socket_base::shutdown_send, ec);
  } else {
    pair->inner.shutdown(asio::socket_base::shutdown_both, ec);
    pair->secure.next_layer().close(ec);
  }
}

/// What the client says. Its end is told on, and leaves the answer its way out.
asio::awaitable<void> pump_in(std::shared_ptr<Pair> pair) {
  const bool whole = co_await pump(pair->secure, pair->inner);
  boost::system::error_code ec;
  if (whole) pair->inner.shutdown(asio::socket_base::shutdown_send, ec);
}

asio::awaitable<void> serve(asio::io_context& io, std::shared_ptr<Pair> pair,
                            std::function<void(int)> plain) {
  close_after(pair, kHandshake);
  const auto [failed] =
      co_await pair->secure.async_handshake(asio::ssl::stream_base::server, as_result);
  pair->timer.cancel();
  if (failed) co_return;
  Plain other(io);
  boost::system::error_code ec;
  asio::local::connect_pair(pair->inner, other, ec);
  if (ec) co_return;
  const int fd = other.release(ec);
  if (ec) co_return;
  plain(fd);
  asio::co_spawn(io, pump_out(pair), asio::detached);
  co_await pump_in(pair);
}

}  // namespace

struct Tls::Inner {
  std::filesystem::path certificate, key;
  store::Mutex mutex;
  std::shared_ptr<asio::ssl::context> context RC_GUARDED_BY(mutex);

  store::Result<std::shared_ptr<asio::ssl::context>> make() const {
    auto made = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_server);
    boost::system::error_code ec;
    made->set_options(asio::ssl::context::default_workarounds | asio::ssl::context::no_sslv3 |
                          asio::ssl::context::no_tlsv1 | asio::ssl::context::no_tlsv1_1,
                      ec);
    made->use_certificate_chain_file(certificate.string(), ec);
    if (ec)
      return store::Error{store::Errc::BadInput, "cannot read the TLS certificate " +
                                                     certificate.string() + ": " + ec.message()};
    made->use_private_key_file(key.string(), asio::ssl::context::pem, ec);
    if (ec)
      return store::Error{store::Errc::BadInput,
                          "cannot read the TLS key " + key.string() + ": " + ec.message()};
    return made;
  }
};

Tls::Tls(std::unique_ptr<Inner> inner) : inner_(std::move(inner)) {}
Tls::~Tls() = default;

store::Result<std::unique_ptr<Tls>> Tls::open(const std::filesystem::path& certificate,
                                              const std::filesystem::path& key) {
  auto inner = std::make_unique<Inner>();
  inner->certificate = certificate;
  inner->key = key;
  auto context = inner->make();
  if (!context) return context.error();
  {
    const store::Lock guard(inner->mutex);
    inner->context = std::move(*context);
  }
  return std::unique_ptr<Tls>(new Tls(std::move(inner)));
}

store::Result<void> Tls::reload() {
  auto context = inner_->make();
  if (!context) return context.error();
  const store::Lock guard(inner_->mutex);
  inner_->context = std::move(*context);
  return {};
}

void Tls::accept(asio::io_context& io, int fd, std::function<void(int)> plain) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  Outer outer(io);
  boost::system::error_code ec;
  outer.assign(asio::generic::stream_protocol(address.ss_family, 0), fd, ec);
  std::shared_ptr<asio::ssl::context> context;
  {
    const store::Lock guard(inner_->mutex);
    context = inner_->context;
  }
  auto pair = std::make_shared<Pair>(io, std::move(outer), std::move(context));
  asio::co_spawn(io, serve(io, std::move(pair), std::move(plain)), asio::detached);
}

}  // namespace rollcall::net::inline loop
