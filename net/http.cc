// HTTP over Beast.
#include "net/http.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <boost/url.hpp>
#include <fmt/format.h>

namespace rollcall::net {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using tcp = asio::ip::tcp;
using store::Errc;
using store::Error;

constexpr auto as_result = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t kBodyMax = 128 * 1024;
constexpr std::uint32_t kHeaderMax = 8 * 1024;
constexpr auto kTimeout = std::chrono::seconds(10);
constexpr int kConnectionsMax = 1000;

struct Server {
  std::function<Reply(const Request&)> handler;
  int connections = 0;
};

asio::awaitable<void> serve_connection(tcp::socket socket, std::shared_ptr<Server> server) {
  ++server->connections;
  beast::tcp_stream stream(std::move(socket));
  beast::flat_buffer buffer;
  while (true) {
    http::request_parser<http::string_body> parser;
    parser.body_limit(kBodyMax);
    parser.header_limit(kHeaderMax);
    stream.expires_after(kTimeout);
    const auto [failed, n] = co_await http::async_read(stream, buffer, parser, as_result);
    if (failed) break;
    const auto& request = parser.get();
    const Reply reply = server->handler(
        {std::string(request.method_string()), std::string(request.target()), request.body()});
    http::response<http::string_body> response{static_cast<http::status>(reply.status),
                                               request.version()};
    response.set(http::field::content_type, reply.type);
    response.keep_alive(request.keep_alive());
    response.body() = reply.body;
    response.prepare_payload();
    stream.expires_after(kTimeout);
    const auto [unsent, sent] = co_await http::async_write(stream, response, as_result);
    if (unsent || !response.keep_alive()) break;
  }
  beast::error_code ec;
  stream.socket().shutdown(tcp::socket::shutdown_send, ec);
  --server->connections;
}

asio::awaitable<void> accept_all(tcp::acceptor& acceptor, std::shared_ptr<Server> server) {
  while (true) {
    auto [failed, socket] = co_await acceptor.async_accept(as_result);
    if (failed == asio::error::operation_aborted) co_return;
    if (failed || server->connections >= kConnectionsMax) continue;
    asio::co_spawn(acceptor.get_executor(), serve_connection(std::move(socket), server),
                   asio::detached);
  }
}

using Piece = std::function<bool(std::string_view)>;

/// One request over a connected stream; the answer into `out`, or in pieces.
template <class Stream>
asio::awaitable<void> converse(Stream& stream, beast::tcp_stream& lowest,
                               http::request<http::string_body>& request, const Piece* piece,
                               const std::string& where, store::Result<Reply>& out) {
  const auto failed = [&](const char* doing, const beast::error_code& ec) {
    out = Error{Errc::Io, fmt::format("{} {}: {}", doing, where, ec.message())};
  };
  const auto [unsent, sent] = co_await http::async_write(stream, request, as_result);
  if (unsent) co_return failed("cannot send to", unsent);
  beast::flat_buffer buffer;
  if (piece == nullptr) {
    http::response_parser<http::string_body> parser;
    parser.body_limit(kBodyMax);
    const auto [unread, n] = co_await http::async_read(stream, buffer, parser, as_result);
    if (unread) co_return failed("no answer from", unread);
    const auto& response = parser.get();
    out = Reply{response.result_int(), std::string(response[http::field::content_type]),
                response.body()};
    co_return;
  }
  http::response_parser<http::buffer_body> parser;
  parser.body_limit(boost::none);
  const auto [unread, n] = co_await http::async_read_header(stream, buffer, parser, as_result);
  if (unread) co_return failed("no answer from", unread);
  lowest.expires_never();
  Reply reply{parser.get().result_int(), std::string(parser.get()[http::field::content_type]), {}};
  std::array<char, 16384> bytes;
  while (!parser.is_done()) {
    parser.get().body().data = bytes.data();
    parser.get().body().size = bytes.size();
    auto [broken, m] = co_await http::async_read_some(stream, buffer, parser, as_result);
    if (broken == http::error::need_buffer) broken = {};
    if (broken) co_return failed("the answer broke off from", broken);
    const std::string_view got(bytes.data(), bytes.size() - parser.get().body().size);
    if (reply.status != 200) {
      if (reply.body.size() < kBodyMax) reply.body += got;
    } else if (!got.empty() && !(*piece)(got)) {
      break;
    }
  }
  out = std::move(reply);
}

struct Target {
  bool tls = false;
  std::string host, port, where;
};

asio::awaitable<void> exchange(Target target, http::request<http::string_body> request,
                               const Piece* piece, store::Result<Reply>& out) {
  const auto executor = co_await asio::this_coro::executor;
  tcp::resolver resolver(executor);
  const auto failed = [&](const char* doing, const beast::error_code& ec) {
    out = Error{Errc::Io, fmt::format("{} {}: {}", doing, target.where, ec.message())};
  };
  const auto [unresolved, endpoints] =
      co_await resolver.async_resolve(target.host, target.port, as_result);
  if (unresolved) co_return failed("cannot find", unresolved);
  if (!target.tls) {
    beast::tcp_stream stream(executor);
    stream.expires_after(kTimeout);
    const auto [unconnected, endpoint] = co_await stream.async_connect(endpoints, as_result);
    if (unconnected) co_return failed("cannot connect to", unconnected);
    co_await converse(stream, stream, request, piece, target.where, out);
    co_return;
  }
  asio::ssl::context context(asio::ssl::context::tls_client);
  beast::error_code ec;
  context.set_default_verify_paths(ec);
  context.set_verify_mode(asio::ssl::verify_peer, ec);
  beast::ssl_stream<beast::tcp_stream> stream(executor, context);
  stream.set_verify_callback(asio::ssl::host_name_verification(target.host), ec);
  SSL_set_tlsext_host_name(stream.native_handle(), target.host.c_str());
  auto& lowest = beast::get_lowest_layer(stream);
  lowest.expires_after(kTimeout);
  const auto [unconnected, endpoint] = co_await lowest.async_connect(endpoints, as_result);
  if (unconnected) co_return failed("cannot connect to", unconnected);
  const auto [untrusted] =
      co_await stream.async_handshake(asio::ssl::stream_base::client, as_result);
  if (untrusted) co_return failed("no trusted connection to", untrusted);
  co_await converse(stream, lowest, request, piece, target.where, out);
}

store::Result<Reply> request(http::verb verb, const std::string& url, const std::string& body,
                             const Headers& headers, const Piece* piece = nullptr) {
  const auto parsed = boost::urls::parse_uri(url);
  if (!parsed || (parsed->scheme() != "http" && parsed->scheme() != "https"))
    return Error{Errc::BadInput, fmt::format("'{}' is not an http:// or https:// URL", url)};
  Target where;
  where.tls = parsed->scheme() == "https";
  where.host = parsed->host_address();
  where.port = parsed->has_port() ? std::string(parsed->port()) : where.tls ? "443" : "80";
  where.where = fmt::format("{}:{}", where.host, where.port);
  std::string target(parsed->encoded_target());
  if (target.empty()) target = "/";
  http::request<http::string_body> message{verb, target, 11};
  message.set(http::field::host, std::string(parsed->encoded_host_and_port()));
  message.set(http::field::user_agent, "rollcall");
  for (const auto& [name, value] : headers) message.set(name, value);
  if (verb == http::verb::post) {
    message.body() = body;
    message.prepare_payload();
  }
  asio::io_context io{1};
  store::Result<Reply> out = Error{Errc::Io, "no answer"};
  asio::co_spawn(io, exchange(std::move(where), std::move(message), piece, out), asio::detached);
  io.run();
  return out;
}

}  // namespace

store::Result<void> serve_http(const std::string& address, std::uint16_t port,
                               const std::function<Reply(const Request&)>& handler,
                               const std::function<void(std::uint16_t)>& listening) {
  beast::error_code ec;
  const auto ip = asio::ip::make_address(address, ec);
  if (ec) return Error{Errc::BadInput, fmt::format("'{}' is not an address", address)};
  asio::io_context io{1};
  tcp::acceptor acceptor(io);
  const tcp::endpoint endpoint(ip, port);
  acceptor.open(endpoint.protocol(), ec);
  if (!ec) acceptor.set_option(asio::socket_base::reuse_address(true), ec);
  if (!ec) acceptor.bind(endpoint, ec);
  if (!ec) acceptor.listen(asio::socket_base::max_listen_connections, ec);
  if (ec)
    return Error{Errc::Io, fmt::format("cannot listen on {}:{}: {}", address, port, ec.message())};
  listening(acceptor.local_endpoint().port());
  auto server = std::make_shared<Server>();
  server->handler = handler;
  asio::signal_set signals(io, SIGINT, SIGTERM);
  signals.async_wait([&](const beast::error_code&, int) { io.stop(); });
  asio::co_spawn(io, accept_all(acceptor, server), asio::detached);
  io.run();
  return {};
}

store::Result<Reply> post(const std::string& url, const std::string& body, const Headers& headers) {
  return request(http::verb::post, url, body, headers);
}
store::Result<Reply> get(const std::string& url, const Headers& headers) {
  return request(http::verb::get, url, {}, headers);
}
store::Result<Reply> post_streaming(const std::string& url, const std::string& body,
                                    const Headers& headers, const Piece& piece) {
  return request(http::verb::post, url, body, headers, &piece);
}
store::Result<Reply> get_streaming(const std::string& url, const Headers& headers,
                                   const Piece& piece) {
  return request(http::verb::get, url, {}, headers, &piece);
}

}  // namespace rollcall::net
