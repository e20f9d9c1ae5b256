// What HTTP requests carry: queries, signatures, hosts, origins, JWTs, cookies, paths, encodings.
#include "net/access/page_login.h"
#include "net/access/static_files.h"
#include "net/wire/http_message.h"
#include "net/wire/jwt.h"
#include "net/wire/pusher_signature.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace rollcall::net;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t half = size / 2;
  (void)parse_query(text);
  (void)percent_decode(text, Plus::Space);
  if (signed_parameters({"POST", text.substr(0, half), text.substr(half), text}, "key", "secret",
                        1))
    __builtin_trap();
  (void)verify_auth(text, "key", "secret", "x");
  (void)host_allowed(text, {"*.example"});
  (void)host_matches(origin_host(text), {"*a*b*", "https://*.example"});
  if (verify_jwt(text, {{"HS256", "a key nobody guesses", "aud", "iss"}}, 1)) __builtin_trap();
  if (open_session(cookie_value(text, kPageCookie), "secret", "app", 1)) __builtin_trap();
  if (open_watch(text, "secret", 1)) __builtin_trap();
  HttpRequest request;
  request.method = "GET";
  request.path = std::string(text.substr(0, half));
  request.headers = {{"accept-encoding", std::string(text)}};
  static constexpr Asset kPage[] = {{"/index.html", "text/html", "\"x\"", false, "p", "g", "b"}};
  (void)page_answer(kPage, request);
  return 0;
}
