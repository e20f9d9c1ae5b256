// Writing pieces, and reading until the other side goes.
#include "net/http/stream_socket.h"

#include "net/wire/request_head.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/rfc7230.hpp>
#include <boost/beast/websocket.hpp>

namespace rollcall::net::inline http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = beast::websocket;

constexpr auto as_result = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t kHeardMost = 4096;      ///< bytes of a message that we pass over
constexpr std::size_t kFragment = 64 * 1024;  ///< bytes
/// Who says nothing for so long has gone. A ping comes after half of it, and may wait behind
/// megabytes in the kernel's buffers: a slow line is no dead one.
constexpr auto kSilence = std::chrono::seconds(120);

/// The socket with what is read from it; lives until both directions are done with it.
struct Socket : std::enable_shared_from_this<Socket> {
  Socket(HttpStream stream, Chunks::Sink end) : ws(std::move(stream)), sink(std::move(end)) {}

  void listen() {
    ws.async_read(heard, [self = shared_from_this()](const beast::error_code& ec, std::size_t) {
      if (ec) return self->sink.finish();  // it has gone, or asked to
      self->heard.clear();
      self->listen();
    });
  }

  websocket::stream<HttpStream> ws;
  Chunks::Sink sink;
  beast::flat_buffer heard;
};

}  // namespace

bool offers_stream_protocol(std::string_view header) {
  beast::http::token_list offered{beast::string_view(header.data(), header.size())};
  return offered.exists(beast::string_view(kStreamProtocol.data(), kStreamProtocol.size()));
}

asio::awaitable<void> serve_event_socket(HttpStream stream, HttpMessage upgrade,
                                         std::shared_ptr<Chunks> chunks) {
  const auto socket = std::make_shared<Socket>(std::move(stream), chunks->sink());
  auto& ws = socket->ws;
  beast::get_lowest_layer(ws).expires_never();  // the WebSocket has times of its own
  websocket::stream_base::timeout times =
      websocket::stream_base::timeout::suggested(beast::role_type::server);
  times.idle_timeout = kSilence;
  times.keep_alive_pings = true;
  ws.set_option(times);
  ws.set_option(websocket::stream_base::decorator([](websocket::response_type& response) {
    response.set(beast::http::field::date, date_now());
    response.set(beast::http::field::sec_websocket_protocol,
                 beast::string_view(kStreamProtocol.data(), kStreamProtocol.size()));
  }));
  ws.read_message_max(kHeardMost);
  ws.write_buffer_bytes(kFragment);  // between two fragments there is room for a ping
  ws.binary(true);
  const auto [refused] = co_await ws.async_accept(upgrade, as_result);
  bool broken = static_cast<bool>(refused);
  if (!broken) socket->listen();
  while (!broken) {
    std::string piece;
    const bool more = co_await chunks->next(piece);
    if (!piece.empty()) {
      const auto [unsent, n] = co_await ws.async_write(asio::buffer(piece), as_result);
      broken = static_cast<bool>(unsent);
    }
    if (!more) break;
  }
  chunks->close();
  if (!broken && ws.is_open()) {
    const websocket::close_reason reason(websocket::close_code::going_away);
    const auto [unsaid] = co_await ws.async_close(reason, as_result);
    (void)unsaid;
  }
  boost::system::error_code ec;
  beast::get_lowest_layer(ws).socket().close(ec);
}

}  // namespace rollcall::net::inline http
