// Everything over HTTP that is not the Pusher API: /v1, the auth endpoints, health, openapi.
#pragma once

#include "net/access/signed_out.h"
#include "net/access/tokens.h"
#include "net/loop/chunks.h"
#include "net/presence/server_context.h"
#include "net/v1/endpoints.h"
#include "net/v1/stream.h"

namespace rollcall::net::inline http {

class Api {
 public:
  explicit Api(ServerContext& server);
  [[nodiscard]] ServerContext& context() { return server_; }

  [[nodiscard]] boost::asio::awaitable<HttpReply> answer(const HttpRequest& request, Loop& loop);
  /// Answers that go on: GET /v1/stream and POST /v1/command.
  [[nodiscard]] static bool streams(const HttpRequest& request);
  /// Begins one: status 200 where it has begun. A stream as Cap'n Proto is one over a WebSocket.
  [[nodiscard]] HttpReply begin(const HttpRequest& request, StreamForm form, Chunks& chunks,
                                Loop& loop);
  /// Closes the sockets whose cookie or token opens no more. May look at the disk.
  void end_vouched();

 private:
  /// The app a request is about: of ?app= or of the only one.
  [[nodiscard]] App* app_of(const HttpRequest& request) const;
  [[nodiscard]] store::Result<Caller> caller(App& app, const HttpRequest& request) const;
  [[nodiscard]] store::Result<Caller> identified(App& app, const HttpRequest& request) const;
  [[nodiscard]] store::Result<Caller> signed_in(App& app, const HttpRequest& request,
                                                std::string_view cookie, std::int64_t now) const;
  /// Whether what a caller came with still opens: the token is there, the sign-in not ended.
  [[nodiscard]] bool still(const std::string& app, const std::string& token,
                           const std::string& sign_in, std::int64_t until) const;
  /// POST /login {token?, user?}: a cookie for the page, of whoever the token is of; with the scope
  /// admin, as `user`. POST /logout ends it, and every connection of its person.
  [[nodiscard]] HttpReply sign_in(App& app, const HttpRequest& request) const;
  [[nodiscard]] HttpReply sign_out(App& app, const HttpRequest& request);
  [[nodiscard]] HttpReply broadcasting_auth(App& app, const HttpRequest& request,
                                            bool user_auth) const;
  /// CORS headers where the origin is allowed; a problem where a foreign page changes something, or
  /// would read a WebSocket, of which browsers keep nobody.
  [[nodiscard]] std::optional<HttpReply> origin_problem(
      const HttpRequest& request, std::vector<std::pair<std::string, std::string>>& cors,
      bool socket = false) const;
  /// 429 where the caller had as much of this as it may have. `who`: whose share it is.
  [[nodiscard]] std::optional<HttpReply> over_rate(const std::string& who, const Caller& caller,
                                                   const Attributes& is, std::size_t bytes);
  /// Takes a place for a stream, which `chunks` holds; or says why there is none.
  [[nodiscard]] std::optional<HttpReply> stream_place(const std::string& who, const Caller& caller,
                                                      Chunks& chunks);

  ServerContext& server_;
  Tokens tokens_;
  SignedOut signed_out_;
  std::string openapi_;
};

}  // namespace rollcall::net::inline http
