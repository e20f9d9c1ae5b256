// A small HTTP server over Beast, for a handler function. Requests go out in http_client.cc.
#include "net/loop/http.h"

#include "net/wire/request_head.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <fmt/format.h>

namespace rollcall::net::inline loop {
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

/// What a request that cannot be read is answered; nothing where the other side has gone.
std::optional<HttpReply> reply_to_broken(const beast::error_code& failed) {
  if (failed == http::error::header_limit) return problem(431, "the request's head is too large");
  if (failed == http::error::body_limit) return problem(413, "the request's body is too large");
  if (failed == http::error::end_of_stream ||
      failed.category() != http::make_error_code(http::error::bad_method).category())
    return std::nullopt;
  return problem(400, "that is not an HTTP request");
}

asio::awaitable<void> refuse(beast::tcp_stream& stream, const HttpReply& reply) {
  http::response<http::string_body> response{static_cast<http::status>(reply.status), 11};
  response.set(http::field::date, date_now());
  response.set(http::field::content_type, reply.type);
  response.keep_alive(false);
  response.body() = reply.body;
  response.prepare_payload();
  stream.expires_after(kTimeout);
  const auto [unsent, sent] = co_await http::async_write(stream, response, as_result);
  if (unsent) co_return;
  beast::error_code ec;
  stream.socket().shutdown(tcp::socket::shutdown_send, ec);
  std::array<char, 16384> waste;
  while (true) {  // within the same time: closed with bytes unread, it would take the answer along
    const auto [gone, n] = co_await stream.async_read_some(asio::buffer(waste), as_result);
    if (gone) break;
  }
}

asio::awaitable<void> serve_connection(tcp::socket socket, std::shared_ptr<Server> server) {
  ++server->connections;
  beast::tcp_stream stream(std::move(socket));
  beast::flat_buffer buffer;
  while (true) {
    http::request_parser<http::string_body> parser;
    parser.body_limit(kBodyMax);
    parser.header_limit(kHeaderMax);
    stream.expires_after(kTimeout);
    auto [failed, n] = co_await http::async_read_header(stream, buffer, parser, as_result);
    if (!failed) {
      HttpRequest head;
      head.headers = plain_fields(parser.get());
      if (const auto fault = head_fault(head, parser.get().version())) {
        const HttpReply refusal = problem(400, *fault);
        co_await refuse(stream, refusal);
        break;
      }
      if (!parser.is_done()) {
        const auto [no_body, m] = co_await http::async_read(stream, buffer, parser, as_result);
        failed = no_body;
      }
    }
    if (failed) {
      if (const auto refusal = reply_to_broken(failed)) co_await refuse(stream, *refusal);
      break;
    }
    const auto& request = parser.get();
    const bool only_head = request.method() == http::verb::head;
    const Reply reply = server->handler(
        {only_head ? "GET" : std::string(request.method_string()),
         read_target({request.target().data(), request.target().size()}).path, request.body()});
    http::response<http::string_body> response{static_cast<http::status>(reply.status), 11};
    response.set(http::field::date, date_now());
    response.set(http::field::content_type, reply.type);
    response.keep_alive(request.keep_alive());
    if (request.keep_alive() && request.version() < 11)
      response.set(http::field::connection, "keep-alive");
    if (only_head) {
      response.content_length(reply.body.size());
    } else {
      response.body() = reply.body;
      response.prepare_payload();
    }
    stream.expires_after(kTimeout);
    const auto [unsent, sent] = co_await http::async_write(stream, response, as_result);
    if (unsent || !request.keep_alive()) break;
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

}  // namespace rollcall::net::inline loop
