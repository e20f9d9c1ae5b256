// HTTP over Beast, a coroutine a connection; an upgraded one leaves the coroutine.
#include "net/front.h"

#include "net/api.h"
#include "net/event_socket.h"
#include "net/handshake.h"
#include "net/pusher_api.h"
#include "net/refusals.h"
#include "store/writer.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket/rfc6455.hpp>
#include <spdlog/spdlog.h>
#include <sys/socket.h>

namespace rollcall::net {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using Protocol = asio::generic::stream_protocol;

constexpr auto as_result = asio::as_tuple(asio::use_awaitable);
constexpr std::uint32_t kHeaderMax = 16 * 1024;
constexpr auto kIdle = std::chrono::seconds(75);
constexpr auto kCloseWait = std::chrono::seconds(2);
constexpr std::string_view kStreamPath = "/v1/stream";

/// The request, without the prefix that a proxy in front puts before our paths.
template <class Body>
HttpRequest convert(const http::request<Body>& message, const Server& server,
                    const std::string& peer, bool tls) {
  HttpRequest out;
  out.method = std::string(message.method_string());
  const std::string_view target(message.target().data(), message.target().size());
  const std::size_t question = std::min(target.find('?'), target.size());
  out.path = std::string(target.substr(0, question));
  if (question < target.size()) out.query = std::string(target.substr(question + 1));
  for (const auto& field : message) {
    std::string name(field.name_string());
    for (char& c : name)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
    out.headers.emplace_back(std::move(name), std::string(field.value()));
  }
  const std::string& prefix = server.settings().path_prefix;
  if (!prefix.empty() && out.path.starts_with(prefix)) out.path.erase(0, prefix.size());
  out.peer = peer;
  out.tls = tls;
  return out;
}

/// A request whose answer is under way.
class UnderWay {
 public:
  explicit UnderWay(Server& server) : server_(server) { ++server_.answering; }
  ~UnderWay() { --server_.answering; }
  UnderWay(const UnderWay&) = delete;
  UnderWay& operator=(const UnderWay&) = delete;

 private:
  Server& server_;
};

class Conversation {
 public:
  /// `early`: what has been read from the socket.
  Conversation(Server& server, Shard& shard, int fd, std::string peer, bool tls,
               std::string_view early)
      : server_(server),
        shard_(shard),
        stream_(shard.loop().io()),
        peer_(std::move(peer)),
        tls_(tls) {
    ++server_.conversations;
    boost::system::error_code ec;
    stream_.socket().assign(Protocol(AF_UNSPEC, 0), fd, ec);  // nobody asks for the family
    buffer_.commit(asio::buffer_copy(buffer_.prepare(early.size()), asio::buffer(early)));
  }

  ~Conversation() { --server_.conversations; }
  Conversation(const Conversation&) = delete;
  Conversation& operator=(const Conversation&) = delete;

  asio::awaitable<void> run() {
    bool first = true;
    while (true) {
      http::request_parser<http::string_body> parser;
      parser.header_limit(kHeaderMax);
      parser.body_limit(server_.settings().request_max);
      // The whole request within the time: headers that trickle in do not hold a connection.
      stream_.expires_after(first ? std::chrono::seconds(server_.settings().handshake_timeout_s)
                                  : kIdle);
      const auto [failed, n] = co_await http::async_read(stream_, buffer_, parser, as_result);
      if (failed) {
        co_await refuse_broken(failed);
        break;
      }
      first = false;
      auto message = parser.release();
      HttpRequest request = convert(message, server_, peer_, tls_);
      request.body = std::move(message.body());
      const bool keep = message.keep_alive();
      if (!host_allowed(request.header("host"), server_.settings().hosts)) {
        log_refused_host(request);
        co_await write(problem(403, "Host is not a name this server answers to: add it to `hosts`"),
                       false);
        break;
      }
      if (beast::websocket::is_upgrade(message)) {
        if (request.path == kStreamPath)
          co_await event_socket(request, std::move(message));
        else
          co_await upgrade(request);
        co_return;
      }
      const UnderWay answering(server_);
      if (Api::streams(request)) {
        co_await stream(request);
        break;
      }
      const HttpReply reply = co_await answer(request);
      log_refused_call(request, reply);
      const bool written = co_await write(reply, keep);
      if (!written || !keep || server_.draining()) break;
    }
    boost::system::error_code ec;
    stream_.socket().shutdown(asio::socket_base::shutdown_send, ec);
  }

 private:
  asio::awaitable<HttpReply> answer(const HttpRequest& request) {
    constexpr std::string_view kApps = "/apps/";
    std::string_view path = request.path;
    if (path.starts_with(kApps)) {
      path.remove_prefix(kApps.size());
      const std::size_t slash = std::min(path.find('/'), path.size());
      App* app = server_.app_by_id(path.substr(0, slash));
      if (app == nullptr) co_return problem(404, "there is no app with this id");
      const std::int64_t now_s = store::wall_now() / 1'000'000;
      co_return pusher_api(*app, request, path.substr(slash), now_s);
    }
    co_return co_await server_.api().answer(request, shard_.loop());
  }

  asio::awaitable<bool> write(const HttpReply& reply, bool keep) {
    http::response<http::string_body> response{static_cast<http::status>(reply.status), 11};
    response.set(http::field::content_type, reply.type);
    response.set("X-Content-Type-Options", "nosniff");
    for (const auto& [name, value] : reply.headers) response.set(name, value);
    response.keep_alive(keep);
    response.body() = reply.body;
    response.prepare_payload();
    stream_.expires_after(std::chrono::seconds(30));
    const auto [failed, n] = co_await http::async_write(stream_, response, as_result);
    co_return !failed;
  }

  /// Chunks of an answer that goes on, until the source ends or the client goes.
  asio::awaitable<void> stream(const HttpRequest& request) {
    Chunks chunks(shard_.loop());
    HttpReply head = server_.api().begin(request, StreamForm::Text, chunks, shard_.loop());
    if (head.status != 200) {
      co_await write(head, false);
      co_return;
    }
    http::response<http::empty_body> response{http::status::ok, 11};
    response.set(http::field::content_type, head.type);
    response.set(http::field::cache_control, "no-store");
    for (const auto& [name, value] : head.headers) response.set(name, value);
    response.chunked(true);
    http::response_serializer<http::empty_body> serializer{response};
    stream_.expires_after(std::chrono::seconds(30));
    const auto [failed, n] = co_await http::async_write_header(stream_, serializer, as_result);
    bool broken = static_cast<bool>(failed);
    while (!broken) {
      std::string data;
      const bool more = co_await chunks.next(data);
      if (!data.empty()) {
        stream_.expires_after(std::chrono::seconds(30));
        const auto [unsent, m] = co_await asio::async_write(
            stream_, http::make_chunk(asio::const_buffer(data.data(), data.size())), as_result);
        broken = static_cast<bool>(unsent);
      }
      if (!more) break;
    }
    chunks.close();
    if (!broken) {
      const auto [unsent, m] =
          co_await asio::async_write(stream_, http::make_chunk_last(), as_result);
      (void)unsent;
    }
  }

  asio::awaitable<void> refuse_broken(const beast::error_code& failed) {
    if (failed == http::error::header_limit)
      co_await write(problem(431, "the request's head is too large"), false);
    else if (failed == http::error::body_limit)
      co_await write(problem(413, "the request's body is too large"), false);
    else if (failed.category() == http::make_error_code(http::error::bad_method).category() &&
             failed != http::error::end_of_stream && failed != http::error::partial_message)
      co_await write(problem(400, "that is not an HTTP request"), false);
  }

  asio::awaitable<void> event_socket(const HttpRequest& request, HttpMessage message) {
    const UnderWay answering(server_);
    HttpReply head;
    const auto chunks = std::make_shared<Chunks>(shard_.loop());
    if (offers_stream_protocol(request.header("sec-websocket-protocol")))
      head = server_.api().begin(request, StreamForm::CapnProto, *chunks, shard_.loop());
    else
      head = problem(400, fmt::format("over a WebSocket the stream speaks the subprotocol {}",
                                      kStreamProtocol));
    if (head.status != 200)
      co_await write(head, false);
    else
      co_await serve_event_socket(std::move(stream_), std::move(message), chunks);
  }

  asio::awaitable<void> upgrade(const HttpRequest& request) {
    Handshake shaken = shake_hands(server_, request);
    if (shaken.problem) {
      co_await write(*shaken.problem, false);
      co_return;
    }
    boost::system::error_code ec;
    if (shaken.app == nullptr) {
      stream_.expires_after(kCloseWait);
      const auto [unsent, n] =
          co_await asio::async_write(stream_, asio::buffer(shaken.answer), as_result);
      stream_.socket().shutdown(asio::socket_base::shutdown_send, ec);
      while (!unsent) {  // until the client has gone, or its time is up: the close frame arrives
        std::array<char, 1024> waste;
        const auto [gone, m] = co_await stream_.async_read_some(asio::buffer(waste), as_result);
        if (gone) break;
      }
      co_return;
    }
    const int mine = stream_.socket().release(ec);
    if (ec) co_return;
    const auto early = buffer_.data();
    shard_.adopt(mine, *shaken.app, std::move(shaken.answer),
                 {static_cast<const char*>(early.data()), early.size()}, std::move(shaken.from));
  }

  Server& server_;
  Shard& shard_;
  HttpStream stream_;
  beast::flat_buffer buffer_;  ///< read, and not yet part of a request
  std::string peer_;
  bool tls_;
};

asio::awaitable<void> converse(std::unique_ptr<Conversation> conversation) {
  co_await conversation->run();
}

/// Most of what knocks in a rush is a Pusher client whose whole upgrade request has come by the
/// time it is accepted. It needs no coroutine and no place in Asio's set: a third of a handshake's
/// time in this program. Anything else, also what is to be refused, is left to a conversation;
/// false then.
bool adopt_at_once(Server& server, Shard& shard, int fd, const std::string& peer, bool tls,
                   std::string_view bytes) {
  http::request_parser<http::empty_body> parser;
  parser.header_limit(kHeaderMax);
  beast::error_code failed;
  const std::size_t used = parser.put(asio::buffer(bytes), failed);
  if (failed || !parser.is_done() || !beast::websocket::is_upgrade(parser.get())) return false;
  const HttpRequest request = convert(parser.get(), server, peer, tls);
  if (request.path == kStreamPath || !host_allowed(request.header("host"), server.settings().hosts))
    return false;
  Handshake shaken = shake_hands(server, request);
  if (shaken.app == nullptr) return false;
  shard.adopt(fd, *shaken.app, std::move(shaken.answer), bytes.substr(used),
              std::move(shaken.from));
  return true;
}

}  // namespace

void serve_front(Server& server, Shard& shard, int fd, std::string peer, bool tls) {
  std::array<char, 2048> buffer;
  const ssize_t n = ::recv(fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
  const std::string_view early(buffer.data(), n > 0 ? static_cast<std::size_t>(n) : 0);
  if (!early.empty() && adopt_at_once(server, shard, fd, peer, tls, early)) return;
  auto conversation =
      std::make_unique<Conversation>(server, shard, fd, std::move(peer), tls, early);
  asio::co_spawn(shard.loop().io(), converse(std::move(conversation)),
                 [](const std::exception_ptr& thrown) {
                   if (!thrown) return;
                   try {
                     std::rethrow_exception(thrown);
                   } catch (const std::exception& error) {
                     spdlog::error("a request ended with an exception: {}", error.what());
                   }
                 });
}

}  // namespace rollcall::net
