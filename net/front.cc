// HTTP over Beast, a coroutine a connection; an upgraded one leaves the coroutine.
#include "net/front.h"

#include "net/api.h"
#include "net/event_socket.h"
#include "net/frame.h"
#include "net/message.h"
#include "net/pusher_api.h"
#include "net/signature.h"
#include "store/bytes.h"
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
#include <openssl/evp.h>
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
constexpr std::size_t kAgentMax = 120;

std::string accept_key(std::string_view key) {
  static const EVP_MD* const sha1 = EVP_MD_fetch(nullptr, "SHA1", nullptr);
  std::string text(key);
  text += "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";  // RFC 6455 section 1.3
  std::array<std::uint8_t, EVP_MAX_MD_SIZE> out{};
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), out.data(), &size, sha1, nullptr);
  return store::base64(store::ByteView(out).first(size));
}

/// Why a connection to an app is not let in: the close code of protocol 7 and its reason.
struct Refusal {
  std::uint16_t code = 0;
  std::string reason;
};

bool number(std::string_view text, int& out) {
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), out);
  return ec == std::errc() && end == text.data() + text.size();
}

std::optional<Refusal> refusal(Server& server, App* app, const HttpRequest& request) {
  if (app == nullptr) return Refusal{4001, "There is no app with this key"};
  const AppSettings& settings = app->settings();
  if (!settings.enabled) return Refusal{4003, "The app is disabled"};
  if (settings.tls_only && !request.tls)
    return Refusal{4000, "The app takes connections over TLS only"};
  const auto query = parse_query(request.query);
  const std::string* protocol = query ? find(*query, "protocol") : nullptr;
  const std::string* version = query ? find(*query, "version") : nullptr;
  int spoken = 0;
  if (protocol == nullptr || protocol->empty())
    return Refusal{4008, "The protocol's version is missing: ?protocol=7"};
  if (!number(*protocol, spoken) || spoken < 5)
    return Refusal{4007, "Unsupported protocol version: this server speaks 5 to 7"};
  if (version != nullptr && (version->empty() || version->front() < '0' || version->front() > '9'))
    return Refusal{4006, "The library's version is not a number"};
  const std::string_view origin = request.header("origin");
  const auto& rules =
      settings.allowed_origins.empty() ? server.settings().origins : settings.allowed_origins;
  if (!origin.empty() && !rules.empty() && !same_origin(request) &&
      !host_matches(origin_host(origin), rules))
    return Refusal{4009, "Origin not allowed"};
  if (settings.connections_max != 0 && app->connections >= settings.connections_max)
    return Refusal{4004, "The app has as many connections as it may have"};
  if (server.draining() || !server.admit()) return Refusal{4100, "Over capacity: try again"};
  return std::nullopt;
}

HttpRequest convert(const http::request<http::string_body>& message, const std::string& peer,
                    bool tls) {
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
  Conversation(Server& server, Shard& shard, int fd, std::string peer, bool tls)
      : server_(server),
        shard_(shard),
        stream_(shard.loop().io()),
        peer_(std::move(peer)),
        tls_(tls) {
    ++server_.conversations;
    boost::system::error_code ec;
    stream_.socket().assign(Protocol(AF_UNSPEC, 0), fd, ec);  // nobody asks for the family
  }

  ~Conversation() { --server_.conversations; }
  Conversation(const Conversation&) = delete;
  Conversation& operator=(const Conversation&) = delete;

  asio::awaitable<void> run() {
    beast::flat_buffer buffer;
    bool first = true;
    while (true) {
      http::request_parser<http::string_body> parser;
      parser.header_limit(kHeaderMax);
      parser.body_limit(server_.settings().request_max);
      // The whole request within the time: headers that trickle in do not hold a connection.
      stream_.expires_after(first ? std::chrono::seconds(server_.settings().handshake_timeout_s)
                                  : kIdle);
      const auto [failed, n] = co_await http::async_read(stream_, buffer, parser, as_result);
      if (failed) {
        co_await refuse_broken(failed);
        break;
      }
      first = false;
      auto message = parser.release();
      HttpRequest request = convert(message, peer_, tls_);
      request.body = std::move(message.body());
      const bool keep = message.keep_alive();
      const std::string& prefix = server_.settings().path_prefix;
      if (!prefix.empty() && request.path.starts_with(prefix)) request.path.erase(0, prefix.size());
      if (!host_allowed(request.header("host"), server_.settings().hosts)) {
        co_await write(problem(403, "Host is not a name this server answers to: add it to `hosts`"),
                       false);
        break;
      }
      if (beast::websocket::is_upgrade(message)) {
        if (request.path == "/v1/stream")
          co_await event_socket(request, std::move(message));
        else
          co_await upgrade(request, buffer);
        co_return;
      }
      const UnderWay answering(server_);
      if (Api::streams(request)) {
        co_await stream(request);
        break;
      }
      const HttpReply reply = co_await answer(request);
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
    HttpReply head = co_await server_.api().begin(request, chunks, shard_.loop());
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
      head = server_.api().begin_socket(request, *chunks);
    else
      head = problem(400, fmt::format("over a WebSocket the stream speaks the subprotocol {}",
                                      kStreamProtocol));
    if (head.status != 200)
      co_await write(head, false);
    else
      co_await serve_event_socket(std::move(stream_), std::move(message), chunks);
  }

  asio::awaitable<void> upgrade(const HttpRequest& request, beast::flat_buffer& buffer) {
    const std::string_view key = request.header("sec-websocket-key");
    const auto nonce = store::from_base64(key);
    if (request.header("sec-websocket-version") != "13" || !nonce || nonce->size() != 16) {
      HttpReply bad = problem(400, "that is not a WebSocket handshake (RFC 6455, version 13)");
      if (request.header("sec-websocket-version") != "13") {
        bad.status = 426;
        bad.headers.emplace_back("Sec-WebSocket-Version", "13");
      }
      co_await write(bad, false);
      co_return;
    }
    if (server_.connections() >= server_.settings().connections_max) {
      HttpReply full = problem(503, "the server has as many connections as it may have");
      full.headers.emplace_back("Retry-After", "15");
      co_await write(full, false);
      co_return;
    }
    constexpr std::string_view kApp = "/app/";
    const bool known_path = request.path.starts_with(kApp);
    App* app = known_path ? server_.app_by_key(std::string_view(request.path).substr(kApp.size()))
                          : nullptr;
    auto refused = known_path ? refusal(server_, app, request)
                              : std::optional<Refusal>({4005, "There is nothing at this path"});
    std::string head =
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Accept: " +
        accept_key(key) + "\r\n\r\n";
    if (refused) {
      append_frame(head, Opcode::Text, message::error(refused->code, refused->reason));
      head += close_frame(refused->code, refused->reason);
      stream_.expires_after(kCloseWait);
      const auto [unsent, n] = co_await asio::async_write(stream_, asio::buffer(head), as_result);
      boost::system::error_code ec;
      stream_.socket().shutdown(asio::socket_base::shutdown_send, ec);
      while (!unsent) {  // until the client has gone, or its time is up: the close frame arrives
        std::array<char, 1024> waste;
        const auto [gone, m] = co_await stream_.async_read_some(asio::buffer(waste), as_result);
        if (gone) break;
      }
      co_return;
    }
    boost::system::error_code ec;
    const int mine = stream_.socket().release(ec);
    if (ec) co_return;
    const auto early = buffer.data();
    std::string from = peer_;
    const std::string_view agent = request.header("user-agent");
    if (!agent.empty()) from.append("\n").append(agent.substr(0, kAgentMax));
    shard_.adopt(mine, *app, std::move(head),
                 {static_cast<const char*>(early.data()), early.size()}, std::move(from));
  }

  Server& server_;
  Shard& shard_;
  HttpStream stream_;
  std::string peer_;
  bool tls_;
};

asio::awaitable<void> converse(std::unique_ptr<Conversation> conversation) {
  co_await conversation->run();
}

}  // namespace

void serve_front(Server& server, Shard& shard, int fd, std::string peer, bool tls) {
  asio::co_spawn(shard.loop().io(),
                 converse(std::make_unique<Conversation>(server, shard, fd, std::move(peer), tls)),
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
