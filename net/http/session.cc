// HTTP over Beast, a coroutine a connection; an upgraded one leaves the coroutine.
#include "net/http/session.h"

#include "net/http/api.h"
#include "net/http/received.h"
#include "net/http/stream_socket.h"
#include "net/pusher/handshake.h"
#include "net/pusher/pusher_api.h"
#include "net/v1/offload.h"
#include "net/wire/client_address.h"
#include "net/wire/refusals.h"
#include "net/wire/request_head.h"
#include "store/log/event_clock.h"
#include "store/writer.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket/rfc6455.hpp>
#include <spdlog/spdlog.h>
#include <sys/socket.h>

#include <cerrno>

namespace rollcall::net::inline http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using Protocol = asio::generic::stream_protocol;
using Parser = http::request_parser<http::string_body>;

constexpr auto as_result = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t kBufferMost = 96 * 1024;
constexpr auto kIdle = std::chrono::seconds(75);
constexpr auto kCloseWait = std::chrono::seconds(2);
constexpr std::size_t kLingerBytes = 64U << 20;  ///< read and passed over behind a refusal
constexpr auto kLingerMost = std::chrono::seconds(15);

class HttpSession {
 public:
  HttpSession(Api& api, Shard& shard, int fd, Peer peer, std::string_view early)
      : api_(api),
        server_(api.context()),
        shard_(shard),
        counted_(api.context().http_sessions),
        stream_(shard.loop().io()),
        late_(std::make_shared<Late>(shard.loop().io())),
        peer_(std::move(peer)) {
    boost::system::error_code ec;
    stream_.socket().assign(Protocol(AF_UNSPEC, 0), fd, ec);  // nobody asks for the family
    late_->socket = &stream_.socket();
    buffer_.commit(asio::buffer_copy(buffer_.prepare(early.size()), asio::buffer(early)));
  }

  ~HttpSession() { late_->socket = nullptr; }
  HttpSession(const HttpSession&) = delete;
  HttpSession& operator=(const HttpSession&) = delete;

  asio::awaitable<void> run() {
    bool first = true, go_on = true;
    while (go_on) {
      go_on = co_await one(first);
      first = false;
    }
    if (!released_) co_await linger();
  }

 private:
  /// One request and its answer; whether another may follow.
  asio::awaitable<bool> one(bool first) {
    asked_ = {};
    Parser parser;
    parser.header_limit(kHeadMost);
    parser.body_limit(boost::none);  // until the head says how much is to come
    const auto patience = std::chrono::seconds(server_.settings.handshake_timeout_s);
    // The whole request within the time: what trickles in does not hold a connection.
    within(first ? patience : std::chrono::duration_cast<std::chrono::seconds>(kIdle));
    // Bounded here: small fields that come in one piece pass the parser's own limit.
    std::size_t size = 0;
    beast::error_code no_head;
    while (!no_head && !parser.is_header_done()) {
      const auto [failed, n] = co_await http::async_read_some(stream_, buffer_, parser, as_result);
      size += n;
      no_head = failed;
      if (!failed && size > kHeadMost) no_head = http::error::header_limit;
    }
    if (no_head) {
      co_await refuse_broken(no_head, parser);
      co_return false;
    }
    if (!first) within(patience);
    const unsigned version = parser.get().version();
    HttpRequest request = convert(parser.get().base(), server_, peer_);
    asked_ = {version, request.method == "HEAD"};
    if (const auto fault = head_fault(request, version)) {
      co_await refuse(400, *fault);
      co_return false;
    }
    if (!host_answered(request, server_)) {
      if (!answers_any_host(request)) {
        log_refused_host(request);
        co_await refuse(403, "Host is not a name this server answers to: add it to `hosts`");
        co_return false;
      }
      strip_credentials(request);
    }
    const std::uint64_t most = server_.settings.request_max;
    if (parser.content_length().value_or(0) > most) {
      co_await refuse(413, "the request's body is too large");
      co_return false;
    }
    const Expectation expects = expectation_of(request, version);
    if (expects == Expectation::Unknown) {
      co_await refuse(417, "the only expectation met here is 100-continue");
      co_return false;
    }
    if (!parser.is_done()) {
      parser.body_limit(most);
      if (expects == Expectation::Continue && buffer_.size() == 0) {
        constexpr std::string_view kGoOn = "HTTP/1.1 100 Continue\r\n\r\n";
        const auto [unsent, m] =
            co_await asio::async_write(stream_, asio::buffer(kGoOn), as_result);
        if (unsent) co_return false;
      }
      const auto [no_body, m] = co_await http::async_read(stream_, buffer_, parser, as_result);
      if (no_body) {
        co_await refuse_broken(no_body, parser);
        co_return false;
      }
    }
    late_->timer.cancel();
    HttpMessage message = parser.release();
    request.body = std::move(message.body());
    const bool keep = message.keep_alive();
    if (beast::websocket::is_upgrade(message)) {
      if (request.path == kStreamPath)
        co_await event_socket(request, std::move(message));
      else
        co_await upgrade(request);
      co_return false;
    }
    if (const auto lost = lost_upgrade(request, version)) {
      const bool written = co_await write(*lost, keep);
      co_return written&& keep;
    }
    const Counted answering(server_.answering);
    if (Api::streams(request)) {
      co_await stream(request);
      co_return false;
    }
    const HttpReply reply = co_await answer(request);
    const bool written = co_await write(reply, keep);
    co_return written&& keep && !server_.draining;
  }

  asio::awaitable<HttpReply> answer(const HttpRequest& request) {
    HttpReply reply = co_await answer_unless_refused(request);
    log_refused_call(request, reply);
    if (reply.status != 401) co_return reply;
    // Who proved to be nobody is counted by where it came from.
    if (const auto wait = server_.quotas.failed(request.peer)) co_return too_many(*wait);
    co_return reply;
  }

  asio::awaitable<HttpReply> answer_unless_refused(const HttpRequest& request) {
    constexpr std::string_view kApps = "/apps/";
    std::string_view path = request.path;
    if (!path.starts_with(kApps)) co_return co_await api_.answer(request, shard_.loop());
    path.remove_prefix(kApps.size());
    const std::size_t slash = std::min(path.find('/'), path.size());
    App* app = server_.app_by_id(path.substr(0, slash));
    if (app == nullptr) co_return problem(404, "there is no app with this id");
    const std::int64_t now_s = store::wall_now() / 1'000'000;
    const std::string_view rest = path.substr(slash);
    if (request.method == "POST") co_return pusher_api(*app, request, rest, now_s);
    // Questions walk channels and members: not on a thread that has connections to serve.
    auto work = [app, &request, rest, now_s]() -> store::Result<HttpReply> {
      return pusher_api(*app, request, rest, now_s);
    };
    const auto reply =
        co_await offload<HttpReply>(*server_.workers, shard_.loop(), std::move(work));
    co_return reply ? *reply : busy(reply.error().detail);
  }

  static HttpReply busy(std::string_view detail) {
    HttpReply out = problem(503, detail);
    out.headers.emplace_back("Retry-After", "1");
    return out;
  }

  asio::awaitable<void> refuse(unsigned status, std::string_view detail) {
    const HttpReply reply = problem(status, detail);
    const bool written = co_await write(reply, false);
    (void)written;
  }

  asio::awaitable<bool> write(const HttpReply& reply, bool keep) {
    http::response<http::string_body> response{static_cast<http::status>(reply.status), 11};
    response.set(http::field::date, date_now());
    const bool without_body = reply.status == 204 || reply.status == 304;
    if (!without_body) response.set(http::field::content_type, reply.type);
    response.set("X-Content-Type-Options", "nosniff");
    for (const auto& [name, value] : reply.headers) response.insert(name, value);
    response.keep_alive(keep);
    // RFC 9112 section 9.3: an older client hears that it may go on, or waits for the end.
    if (keep && asked_.version < 11) response.set(http::field::connection, "keep-alive");
    if (asked_.head) {
      if (!without_body) response.content_length(reply.body.size());
    } else {
      response.body() = reply.body;
      response.prepare_payload();
    }
    stream_.expires_after(std::chrono::seconds(30));
    const auto [failed, n] = co_await http::async_write(stream_, response, as_result);
    stream_.expires_never();
    co_return !failed;
  }

  /// On a worker, as beginning one reads the log.
  asio::awaitable<HttpReply> begin(const HttpRequest& request, StreamForm form, Chunks& chunks) {
    auto work = [this, &request, form, &chunks]() -> store::Result<HttpReply> {
      return api_.begin(request, form, chunks);
    };
    const auto begun =
        co_await offload<HttpReply>(*server_.workers, shard_.loop(), std::move(work));
    HttpReply head = begun ? *begun : busy(begun.error().detail);
    log_refused_call(request, head);
    if (head.status == 401)
      if (const auto wait = server_.quotas.failed(request.peer)) head = too_many(*wait);
    co_return head;
  }

  /// Chunks of an answer that goes on, until the source ends or the client goes.
  asio::awaitable<void> stream(const HttpRequest& request) {
    Chunks chunks(shard_.loop());
    const HttpReply head = co_await begin(request, StreamForm::Text, chunks);
    if (head.status != 200) {
      const bool written = co_await write(head, false);
      (void)written;
      co_return;
    }
    const bool chunked = asked_.version >= 11;  // an older client reads until the end
    http::response<http::empty_body> response{http::status::ok, 11};
    response.set(http::field::date, date_now());
    response.set(http::field::content_type, head.type);
    response.set(http::field::cache_control, "no-store");
    response.set("X-Content-Type-Options", "nosniff");
    // Said to nginx, which else gathers before it passes on.
    response.set("X-Accel-Buffering", "no");
    for (const auto& [name, value] : head.headers) response.set(name, value);
    response.keep_alive(false);
    response.chunked(chunked);
    http::response_serializer<http::empty_body> serializer{response};
    stream_.expires_after(std::chrono::seconds(30));
    const auto [failed, n] = co_await http::async_write_header(stream_, serializer, as_result);
    bool broken = static_cast<bool>(failed);
    const auto watched = std::make_shared<bool>(true);
    watch_for_end(watched, chunks);
    while (!broken) {
      std::string data;
      const bool more = co_await chunks.next(data);
      if (!data.empty()) {
        stream_.expires_after(std::chrono::seconds(30));
        if (chunked) {
          const auto [unsent, m] = co_await asio::async_write(
              stream_, http::make_chunk(asio::const_buffer(data.data(), data.size())), as_result);
          broken = static_cast<bool>(unsent);
        } else {
          const auto [unsent, m] =
              co_await asio::async_write(stream_, asio::buffer(data), as_result);
          broken = static_cast<bool>(unsent);
        }
      }
      if (!more) break;
    }
    chunks.close();
    *watched = false;
    boost::system::error_code ec;
    stream_.socket().cancel(ec);
    if (!broken && chunked) {
      const auto [unsent, m] =
          co_await asio::async_write(stream_, http::make_chunk_last(), as_result);
      (void)unsent;
    }
  }

  /// Ends a stream once its reader has gone, which else shows with the next thing to be told only:
  /// till then it would hold its place.
  void watch_for_end(std::shared_ptr<bool> watched, Chunks& chunks) {
    stream_.socket().async_wait(
        asio::socket_base::wait_read,
        [this, watched = std::move(watched), &chunks](const boost::system::error_code& ec) mutable {
          if (ec || !*watched) return;
          std::array<char, 1024> waste;  // a request behind a stream is not answered
          const ssize_t n =
              ::recv(stream_.socket().native_handle(), waste.data(), waste.size(), MSG_DONTWAIT);
          if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
            chunks.cancel();
          else
            watch_for_end(std::move(watched), chunks);
        });
  }

  asio::awaitable<void> refuse_broken(const beast::error_code& failed, const Parser& parser) {
    unsigned status = 400;
    std::string_view detail = "that is not an HTTP request";
    const bool begun = parser.got_some() || buffer_.size() != 0;
    if (late_->over && begun) {
      status = 408;
      detail = "the request was not whole within the time it may take";
    } else if (failed == http::error::header_limit || failed == http::error::buffer_overflow) {
      const bool line = parser.is_header_done() || !parser.get().target().empty();
      status = line ? 431 : 414;
      detail = line ? "the request's head is too large" : "the request's target is too long";
    } else if (failed == http::error::body_limit) {
      status = 413;
      detail = "the request's body is too large";
    } else if (failed == http::error::partial_message) {
      detail = "the request ended before it was whole";
    } else if (failed == http::error::end_of_stream ||
               failed.category() != http::make_error_code(http::error::bad_method).category()) {
      co_return;  // it has gone
    }
    co_await refuse(status, detail);
  }

  asio::awaitable<void> event_socket(const HttpRequest& request, HttpMessage message) {
    const Counted answering(server_.answering);
    HttpReply head;
    const auto chunks = std::make_shared<Chunks>(shard_.loop());
    if (offers_stream_protocol(request.header("sec-websocket-protocol")))
      head = co_await begin(request, StreamForm::CapnProto, *chunks);
    else
      head = problem(400, fmt::format("over a WebSocket the stream speaks the subprotocol {}",
                                      kStreamProtocol));
    if (head.status != 200) {
      const bool written = co_await write(head, false);
      (void)written;
      co_return;
    }
    released_ = true;
    co_await serve_event_socket(std::move(stream_), std::move(message), chunks);
  }

  asio::awaitable<void> upgrade(const HttpRequest& request) {
    Handshake shaken = shake_hands(server_, request);
    if (shaken.problem) {
      const bool written = co_await write(*shaken.problem, false);
      (void)written;
      co_return;
    }
    boost::system::error_code ec;
    if (shaken.app == nullptr) {
      stream_.expires_after(kCloseWait);
      const auto [unsent, n] =
          co_await asio::async_write(stream_, asio::buffer(shaken.answer), as_result);
      (void)unsent;  // lingering, the close frame arrives
      co_return;
    }
    const int mine = stream_.socket().release(ec);
    released_ = true;
    if (ec) co_return;
    const auto early = buffer_.data();
    shard_.adopt(mine, *shaken.app, std::move(shaken.answer),
                 {static_cast<const char*>(early.data()), early.size()}, std::move(shaken.from));
  }

  /// Until the other side has gone, or its time is up. A socket closed with bytes unread is reset,
  /// and what was said last never arrives (RFC 9112 section 9.6).
  asio::awaitable<void> linger() {
    late_->timer.cancel();
    boost::system::error_code ec;
    stream_.socket().shutdown(asio::socket_base::shutdown_send, ec);
    const auto end = std::chrono::steady_clock::now() + kLingerMost;
    std::array<char, 16384> waste;
    std::size_t passed_over = 0;
    while (!ec && passed_over < kLingerBytes && std::chrono::steady_clock::now() < end) {
      stream_.expires_after(kCloseWait);
      const auto [gone, n] = co_await stream_.async_read_some(asio::buffer(waste), as_result);
      if (gone) break;
      passed_over += n;
    }
  }

  /// Ends what is awaited on the socket once the time is up. It does not close it, as the stream's
  /// own clock does: an answer follows.
  struct Late {
    explicit Late(asio::io_context& io) : timer(io) {}
    asio::steady_timer timer;
    Protocol::socket* socket = nullptr;
    bool over = false;
  };
  void within(std::chrono::seconds time) {
    stream_.expires_never();
    late_->over = false;
    late_->timer.expires_after(time);
    late_->timer.async_wait([late = late_](const boost::system::error_code& ec) {
      if (ec || late->socket == nullptr || late->timer.expiry() > std::chrono::steady_clock::now())
        return;
      late->over = true;
      boost::system::error_code ignored;
      late->socket->cancel(ignored);
    });
  }

  Api& api_;
  ServerContext& server_;
  Shard& shard_;
  Counted counted_;
  HttpStream stream_;
  std::shared_ptr<Late> late_;
  beast::flat_buffer buffer_{kBufferMost};  ///< read, and not yet part of a request
  Peer peer_;
  bool released_ = false;  ///< the socket is somebody else's
  struct Asked {
    unsigned version = 11;
    bool head = false;
  } asked_;
};

asio::awaitable<void> hold(std::unique_ptr<HttpSession> session) { co_await session->run(); }

}  // namespace

void converse(Api& api, Shard& shard, int fd, Peer peer, std::string_view early) {
  auto session = std::make_unique<HttpSession>(api, shard, fd, std::move(peer), early);
  asio::co_spawn(shard.loop().io(), hold(std::move(session)), [](const std::exception_ptr& thrown) {
    if (!thrown) return;
    try {
      std::rethrow_exception(thrown);
    } catch (const std::exception& error) {
      spdlog::error("a request ended with an exception: {}", error.what());
    }
  });
}

}  // namespace rollcall::net::inline http
