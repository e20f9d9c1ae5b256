// The rules for a connection to an app, in the order of their codes' weight.
#include "net/pusher/handshake.h"

#include "net/wire/frame.h"
#include "net/wire/pusher_message.h"
#include "net/wire/pusher_signature.h"
#include "net/wire/refusals.h"
#include "net/wire/request_head.h"
#include "store/bytes/bytes.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>
#include <charconv>

namespace rollcall::net::inline pusher {
namespace {

constexpr std::size_t kAgentMax = 120;
constexpr std::string_view kApp = "/app/";

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

std::optional<Refusal> refusal(ServerContext& server, App* app, const HttpRequest& request) {
  if (app == nullptr) return Refusal{4001, "There is no app with this key"};
  const AppSettings& settings = app->settings();
  if (!settings.enabled) return Refusal{4003, "The app is disabled"};
  if (settings.tls_only && !request.tls && !request.local)
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
      settings.allowed_origins.empty() ? server.settings.origins : settings.allowed_origins;
  if (!origin.empty() && !rules.empty() && !same_origin(request) &&
      !host_matches(origin_host(origin), rules))
    return Refusal{4009, "Origin not allowed"};
  if (settings.connections_max != 0 && app->connections >= settings.connections_max)
    return Refusal{4004, "The app has as many connections as it may have"};
  if (server.draining || !server.admit()) return Refusal{4100, "Over capacity: try again"};
  return std::nullopt;
}

}  // namespace

std::optional<HttpReply> lost_upgrade(const HttpRequest& request, unsigned version) {
  if (request.method != "GET") return std::nullopt;
  if (!request.path.starts_with(kApp) && request.header("sec-websocket-key").empty())
    return std::nullopt;
  const std::string_view what =
      version < 11 ? "the request is HTTP/1.0, which knows no `Upgrade`"
      : request.header("upgrade").empty()
          ? "the header `Upgrade: websocket` is missing"
          : "the header `Connection: Upgrade` is missing, or `Upgrade` is not `websocket`";
  HttpReply out = problem(
      426, fmt::format("a WebSocket is asked for here, and {}: a proxy in between must pass it on "
                       "(nginx: proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; "
                       "proxy_set_header Connection \"upgrade\";)",
                       what));
  out.headers.emplace_back("Upgrade", "websocket");
  out.headers.emplace_back("Connection", "Upgrade");
  return out;
}

Handshake shake_hands(ServerContext& server, const HttpRequest& request) {
  Handshake out;
  const std::string_view key = request.header("sec-websocket-key");
  const auto nonce = store::from_base64(key);
  if (request.header("sec-websocket-version") != "13" || !nonce || nonce->size() != 16) {
    out.problem = problem(400,
                          "that is not a WebSocket handshake (RFC 6455): Sec-WebSocket-Key is not "
                          "16 bytes in base64");
    if (request.header("sec-websocket-version") != "13") {
      out.problem = problem(426, "Sec-WebSocket-Version is not 13 (RFC 6455)");
      out.problem->headers.emplace_back("Sec-WebSocket-Version", "13");
    }
    log_refusal(Refused::Handshake, static_cast<int>(out.problem->status),
                "that is not a WebSocket handshake (RFC 6455, version 13)");
    return out;
  }
  if (server.connections() >= server.settings.connections_max) {
    out.problem = problem(503, "the server has as many connections as it may have");
    out.problem->headers.emplace_back("Retry-After", "15");
    log_refusal(Refused::Handshake, 503, "the server has as many connections as it may have");
    return out;
  }
  const bool known_path = request.path.starts_with(kApp);
  App* app =
      known_path ? server.app_by_key(std::string_view(request.path).substr(kApp.size())) : nullptr;
  const auto refused = known_path ? refusal(server, app, request)
                                  : std::optional<Refusal>({4005, "There is nothing at this path"});
  out.answer =
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Accept: " +
      accept_key(key) + "\r\nDate: " + date_now() + "\r\n\r\n";
  if (refused) {
    const std::string_view origin = request.header("origin");
    log_refusal(Refused::Handshake, refused->code,
                origin.empty() ? refused->reason
                               : refused->reason + " (Origin: " + std::string(origin) + ")");
    append_frame(out.answer, Opcode::Text, message::error(refused->code, refused->reason));
    out.answer += close_frame(refused->code, refused->reason);
    return out;
  }
  out.app = app;
  out.from = request.peer;
  const std::string_view agent = request.header("user-agent");
  if (!agent.empty()) out.from.append("\n").append(agent.substr(0, kAgentMax));
  return out;
}

}  // namespace rollcall::net::inline pusher
