// Beast over a socket of its own loop, which runs as long as one step takes.
#include "net/loop/local_http.h"

#include "net/loop/local_socket.h"

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

namespace rollcall::net::inline loop {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using Protocol = asio::generic::stream_protocol;
using Piece = std::function<bool(std::string_view)>;
using store::Errc;
using store::Error;

constexpr std::size_t kPieceMost = 64 * 1024;
constexpr std::uint32_t kHeadMost = 64 * 1024;

class Exchange {
 public:
  Exchange(std::string where, const std::stop_token& cancel)
      : where_(std::move(where)), cancel_(cancel), wake_(cancel_, Wake{*this}) {
    parser_.header_limit(kHeadMost);
    parser_.body_limit(boost::none);
  }

  store::Result<Reply> run(int connected, http::request<http::string_body>& request,
                           const Piece* piece) {
    beast::error_code ec;
    stream_.socket().assign(Protocol(AF_UNIX, 0), connected, ec);
    if (ec) {
      ::close(connected);
      return failed("cannot connect to", ec);
    }
    stream_.expires_after(kReplyWithin);  // for all that follows
    const auto unsent = step([&](auto done) { http::async_write(stream_, request, done); });
    // A refusal may have come before all was sent.
    const auto no_head =
        step([&](auto done) { http::async_read_header(stream_, read_, parser_, done); });
    if (no_head)
      return unsent && unsent != beast::error::timeout ? failed("cannot send to", unsent)
                                                       : failed("no answer from", no_head);
    Reply reply;
    reply.status = parser_.get().result_int();
    reply.type = std::string(parser_.get()[http::field::content_type]);
    const bool hands_over = piece != nullptr && reply.status == 200;
    if (hands_over) stream_.expires_never();
    std::vector<char> bytes(kPieceMost);
    while (!parser_.is_done()) {
      auto& body = parser_.get().body();
      body.data = bytes.data();
      body.size = bytes.size();
      auto ec_body = step([&](auto done) { http::async_read_some(stream_, read_, parser_, done); });
      if (ec_body == http::error::need_buffer) ec_body = {};
      const std::string_view got(bytes.data(), bytes.size() - body.size);
      if (hands_over && !got.empty()) {
        if (!(*piece)(got)) break;
      } else if (reply.body.size() + got.size() <= kReplyMax) {
        reply.body += got;
      } else if (piece != nullptr) {
        break;  // of a refusal, its beginning is enough
      } else {
        return Error{Errc::Io, fmt::format("the answer from {} is too long", where_)};
      }
      if (ec_body) return failed("the answer broke off from", ec_body);
    }
    return reply;
  }

 private:
  struct Wake {
    Exchange& exchange;
    void operator()() const {
      asio::post(exchange.io_, [to = &exchange] { to->stream_.cancel(); });
    }
  };

  template <class Begin>
  beast::error_code step(Begin begin) {
    beast::error_code out;
    if (cancel_.stop_requested()) return asio::error::operation_aborted;
    begin([&out](const beast::error_code& ec, std::size_t) { out = ec; });
    io_.restart();
    io_.run();
    return out;
  }

  Error failed(std::string_view doing, const beast::error_code& ec) const {
    if (cancel_.stop_requested())
      return {Errc::Io, fmt::format("the request to {} was given up", where_)};
    if (ec == beast::error::timeout)
      return {Errc::Io, fmt::format("no answer from {} within {} s", where_, kReplyWithin.count())};
    return {Errc::Io, fmt::format("{} {}: {}", doing, where_, ec.message())};
  }

  std::string where_;
  const std::stop_token& cancel_;
  asio::io_context io_{1};
  beast::basic_stream<Protocol> stream_{io_};
  beast::flat_buffer read_;
  http::response_parser<http::buffer_body> parser_;
  std::stop_callback<Wake> wake_;  ///< last: it uses the others
};

}  // namespace

store::Result<Reply> request_local(bool posts, const std::string& url, const std::string& body,
                                   const Headers& headers, const Piece* piece,
                                   const std::stop_token& cancel) {
  const auto to = read_local_url(url);
  if (!to)
    return Error{Errc::BadInput,
                 fmt::format("'{}' names no socket: unix://%2Fdir%2Fsocket", place_of(url))};
  http::request<http::string_body> request{posts ? http::verb::post : http::verb::get, to->target,
                                           11};
  request.set(http::field::host, "localhost");
  request.set(http::field::user_agent, "rollcall");
  for (const auto& [name, value] : headers) request.insert(name, value);
  request.keep_alive(false);
  request.body() = body;
  request.prepare_payload();
  const auto connected = connect_local(to->file);
  if (!connected) return connected.error();
  Exchange exchange(to->file.string(), cancel);
  return exchange.run(*connected, request, piece);
}

}  // namespace rollcall::net::inline loop
