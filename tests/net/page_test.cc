// The page's files and what its cookie holds: the pure parts.
#include "net/access/page_login.h"
#include "net/access/static_files.h"

#include <catch2/catch.hpp>

using namespace rollcall::net;

TEST_CASE("a cookie opens for its app, under its secret, until it runs out", "[net]") {
  const PageSession session{"main", "token:admin", "ada", {"admin"}, 1000, "s1", "t1", 0};
  const std::string sealed = seal_session(session, "secret");
  const auto opened = open_session(sealed, "secret", "main", 999);
  REQUIRE(opened);
  CHECK(opened->user == "ada");
  CHECK(opened->scopes == std::vector<std::string>{"admin"});
  CHECK(!open_session(sealed, "secret", "main", 1000));
  CHECK(!open_session(sealed, "other", "main", 999));
  CHECK(!open_session(sealed, "secret", "side", 999));
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    std::string changed = sealed;
    changed[i] = changed[i] == 'a' ? 'b' : 'a';
    INFO(i);
    CHECK(!open_session(changed, "secret", "main", 999));
  }
  CHECK(!open_watch(sealed, "secret", 1));  // signed for another purpose
  CHECK(!open_session(seal_watch("ada", 2000, "secret"), "secret", "main", 1));
  CHECK(cookie_value("a=1; rollcall_page=x.y; b=2", kPageCookie) == "x.y");
  CHECK(cookie_value("rollcall_pages=x", kPageCookie).empty());
}

TEST_CASE("views are the document, files are themselves, and encodings are chosen by the client",
          "[net]") {
  static constexpr Asset kPage[] = {
      {"/index.html", "text/html", "\"i\"", false, "plain", "gzip", "brotli"},
      {"/assets/a.js", "text/javascript", "\"a\"", true, "code", "", ""}};
  const auto ask = [](std::string path, std::string accept, std::string_view method = "GET") {
    HttpRequest request;
    request.method = std::string(method);
    request.path = std::move(path);
    request.headers = {{"accept-encoding", std::move(accept)}};
    return page_answer(kPage, request);
  };
  CHECK(ask("/", "")->body == "plain");
  CHECK(ask("/people/ada", "gzip, deflate, br")->body == "brotli");
  CHECK(ask("/audit", "gzip;q=0.5, br;q=0")->body == "gzip");
  CHECK(ask("/audit", "gzip;q=0")->body == "plain");
  CHECK(ask("/assets/a.js", "br")->body == "code");
  CHECK(ask("/rooms", "br", "HEAD")->body.empty());
  CHECK(!ask("/peoples", ""));
  CHECK(!ask("/people", "", "POST"));
  CHECK(!page_answer({}, {}));
}
