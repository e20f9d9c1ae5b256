// One request to a URL, over libcurl.
//
// Why libcurl: it finds addresses in a thread of its own, so that a name server that does not
// answer can be waited for with a limit, and given up at once where the caller says so.
#include "net/loop/curl_library.h"
#include "net/loop/http.h"
#include "net/loop/local_http.h"
#include "net/loop/local_socket.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <exception>
#include <memory>

namespace rollcall::net::inline loop {
namespace {

using store::Errc;
using store::Error;
using Clock = std::chrono::steady_clock;
using Piece = std::function<bool(std::string_view)>;

struct Freed {
  void operator()(CURL* it) const { curl_easy_cleanup(it); }
  void operator()(curl_slist* it) const { curl_slist_free_all(it); }
};
struct FreedMulti {  // the same type, void, in libcurl's header
  void operator()(CURLM* it) const { curl_multi_cleanup(it); }
};
using Easy = std::unique_ptr<CURL, Freed>;
using Multi = std::unique_ptr<CURLM, FreedMulti>;
using List = std::unique_ptr<curl_slist, Freed>;

/// What libcurl's callbacks see. They are called by C: nothing is thrown through it.
struct Exchange {
  CURL* easy = nullptr;
  const Piece* piece = nullptr;
  Reply reply;
  bool begun = false;    ///< the answer's head has come
  bool too_big = false;  ///< the body is
  bool enough = false;   ///< `piece` wants no more
  std::exception_ptr thrown;

  [[nodiscard]] unsigned status() const {
    long code = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &code);
    return static_cast<unsigned>(code);
  }
  bool take(std::string_view bytes) {
    if (piece != nullptr && status() == 200) {
      enough = !(*piece)(bytes);
      return !enough;
    }
    too_big = reply.body.size() + bytes.size() > kReplyMax;
    if (!too_big) reply.body += bytes;
    return !too_big || piece != nullptr;  // of a refusal, its beginning is enough
  }
};

std::size_t on_head(char* /*line*/, std::size_t size, std::size_t n, void* user) {
  auto& exchange = *static_cast<Exchange*>(user);
  exchange.begun = exchange.begun || (size * n <= 2 && exchange.status() >= 200);  // the empty line
  return size * n;
}

std::size_t on_body(char* bytes, std::size_t size, std::size_t n, void* user) {
  auto& exchange = *static_cast<Exchange*>(user);
  try {
    return exchange.take({bytes, size * n}) ? size * n : 0;
  } catch (...) {
    exchange.thrown = std::current_exception();
    return 0;
  }
}

/// Not for programs that this one starts.
curl_socket_t open_socket(void* /*user*/, curlsocktype /*purpose*/, curl_sockaddr* address) {
  return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

const char* doing(CURLcode code) {
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
      return "cannot find";
    case CURLE_COULDNT_CONNECT:
      return "cannot connect to";
    case CURLE_SEND_ERROR:
      return "cannot send to";
    case CURLE_PARTIAL_FILE:
    case CURLE_RECV_ERROR:
      return "the answer broke off from";
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CACERT_BADFILE:
      return "no trusted connection to";
    default:
      return "no answer from";
  }
}

void configure(CURL* easy, Exchange& exchange) {
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);  // whoever gives up waits for no name server
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, long{CURL_HTTP_VERSION_1_1});
  curl_easy_setopt(easy, CURLOPT_PROXY, "");  // the environment's proxies are not meant for us
  curl_easy_setopt(easy, CURLOPT_USERAGENT, "rollcall");
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_head);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, &exchange);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &exchange);
  // As OpenSSL itself does, and the tools around it.
  if (const char* file = std::getenv("SSL_CERT_FILE"); file != nullptr && *file != '\0')
    curl_easy_setopt(easy, CURLOPT_CAINFO, file);
  if (const char* folder = std::getenv("SSL_CERT_DIR"); folder != nullptr && *folder != '\0')
    curl_easy_setopt(easy, CURLOPT_CAPATH, folder);
}

/// Until it is done, its time is up, or `cancel` says so.
store::Result<void> perform(CURL* easy, const Exchange& exchange, const std::string& where,
                            const char* detail, const std::stop_token& cancel) {
  const Multi multi(curl_multi_init());
  if (!multi || curl_multi_add_handle(multi.get(), easy) != CURLM_OK)
    return Error{Errc::Io, "no memory for a request"};
  struct Removed {
    CURLM* multi;
    CURL* easy;
    ~Removed() { curl_multi_remove_handle(multi, easy); }
  } const removed{multi.get(), easy};
  const std::stop_callback wake(cancel, [raw = multi.get()] { curl_multi_wakeup(raw); });
  const auto deadline = Clock::now() + kReplyWithin;
  while (true) {
    int running = 0, waiting = 0;
    curl_multi_perform(multi.get(), &running);
    if (const CURLMsg* done = curl_multi_info_read(multi.get(), &waiting)) {
      const CURLcode code = done->data.result;
      if (code == CURLE_OK || exchange.enough || exchange.thrown) return {};
      if (exchange.too_big)
        return Error{Errc::Io, fmt::format("the answer from {} is too long", where)};
      return Error{Errc::Io, fmt::format("{} {}: {}", doing(code), where,
                                         *detail != '\0' ? detail : curl_easy_strerror(code))};
    }
    if (cancel.stop_requested())
      return Error{Errc::Io, fmt::format("the request to {} was given up", where)};
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
    const bool limited = exchange.piece == nullptr || !exchange.begun;
    if (limited && left.count() <= 0)
      return Error{Errc::Io,
                   fmt::format("no answer from {} within {} s", where, kReplyWithin.count())};
    const auto wait = limited ? std::min<std::int64_t>(left.count() + 1, 1000) : 1000;
    curl_multi_poll(multi.get(), nullptr, 0, static_cast<int>(wait), nullptr);
  }
}

store::Result<Reply> request(bool posts, const std::string& url, const std::string& body,
                             const Headers& headers, const Piece* piece,
                             const std::stop_token& cancel) {
  if (is_local_url(url)) return request_local(posts, url, body, headers, piece, cancel);
  RC_TRY(load_curl());
  const std::string where = place_of(url);
  const Error no_url{Errc::BadInput, fmt::format("'{}' is not an http:// or https:// URL", where)};
  if (!url.starts_with("http://") && !url.starts_with("https://")) return no_url;
  const Easy easy(curl_easy_init());
  if (!easy) return Error{Errc::Io, "no memory for a request"};
  Exchange exchange;
  exchange.easy = easy.get();
  exchange.piece = piece;
  std::array<char, CURL_ERROR_SIZE> detail{};
  configure(easy.get(), exchange);
  curl_easy_setopt(easy.get(), CURLOPT_ERRORBUFFER, detail.data());
  if (curl_easy_setopt(easy.get(), CURLOPT_URL, url.c_str()) != CURLE_OK) return no_url;
  List list;
  const auto add = [&](const std::string& line) {
    if (curl_slist* longer = curl_slist_append(list.get(), line.c_str())) {
      (void)list.release();
      list.reset(longer);
    }
  };
  add("Accept:");  // what libcurl would say by itself, and what would cost a round trip
  add("Expect:");
  for (const auto& [name, value] : headers) add(fmt::format("{}: {}", name, value));
  curl_easy_setopt(easy.get(), CURLOPT_HTTPHEADER, list.get());
  if (posts) {
    curl_easy_setopt(easy.get(), CURLOPT_POST, 1L);
    curl_easy_setopt(easy.get(), CURLOPT_POSTFIELDS, body.data());
    curl_easy_setopt(easy.get(), CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
  }
  RC_TRY(perform(easy.get(), exchange, where, detail.data(), cancel));
  if (exchange.thrown) std::rethrow_exception(exchange.thrown);
  exchange.reply.status = exchange.status();
  const char* type = nullptr;
  curl_easy_getinfo(easy.get(), CURLINFO_CONTENT_TYPE, &type);
  exchange.reply.type = type != nullptr ? type : "";
  return std::move(exchange.reply);
}

}  // namespace

std::string place_of(std::string_view url) {
  const std::size_t scheme = url.find("://");
  const std::size_t begin = scheme == std::string_view::npos ? 0 : scheme + 3;
  std::string_view authority = url.substr(begin, url.find_first_of("/?#", begin) - begin);
  if (const std::size_t at = authority.rfind('@'); at != std::string_view::npos)
    authority.remove_prefix(at + 1);
  return std::string(url.substr(0, begin)) + std::string(authority);
}

store::Result<Reply> post(const std::string& url, const std::string& body, const Headers& headers,
                          const std::stop_token& cancel) {
  return request(true, url, body, headers, nullptr, cancel);
}
store::Result<Reply> get(const std::string& url, const Headers& headers,
                         const std::stop_token& cancel) {
  return request(false, url, {}, headers, nullptr, cancel);
}
store::Result<Reply> post_streaming(const std::string& url, const std::string& body,
                                    const Headers& headers, const Piece& piece) {
  return request(true, url, body, headers, &piece, {});
}
store::Result<Reply> get_streaming(const std::string& url, const Headers& headers,
                                   const Piece& piece) {
  return request(false, url, {}, headers, &piece, {});
}

}  // namespace rollcall::net::inline loop
