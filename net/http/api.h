// Everything over HTTP that is not the Pusher API: /v1, the auth endpoints, health, openapi.
#pragma once

#include "net/http/callers.h"
#include "net/http/endpoint_routes.h"
#include "net/loop/chunks.h"
#include "net/v1/questions.h"
#include "net/v1/stream.h"

namespace rollcall::net::inline http {

class Api {
 public:
  explicit Api(ServerContext& server);
  [[nodiscard]] ServerContext& context() { return server_; }

  [[nodiscard]] boost::asio::awaitable<HttpReply> answer(const HttpRequest& request, Loop& loop);
  /// Answers that go on: GET /v1/stream, and questions answered in lines.
  [[nodiscard]] static bool streams(const HttpRequest& request);
  /// Begins one: status 200 where it has begun. A stream as Cap'n Proto is one over a WebSocket.
  [[nodiscard]] HttpReply begin(const HttpRequest& request, StreamForm form, Chunks& chunks);
  /// Closes the sockets whose cookie or token opens no more. May look at the disk.
  void end_vouched() { callers_.end_vouched(); }

 private:
  [[nodiscard]] boost::asio::awaitable<HttpReply> routed(const HttpRequest& request, Loop& loop);
  [[nodiscard]] boost::asio::awaitable<HttpReply> question(const HttpRequest& request, Loop& loop,
                                                           RoutedQuestion asked);
  /// `values`: those in the path.
  [[nodiscard]] boost::asio::awaitable<HttpReply> endpoint(const HttpRequest& request, Loop& loop,
                                                           const EndpointRoute& route,
                                                           json::object values);

  ServerContext& server_;
  Callers callers_;
  std::string openapi_;
};

}  // namespace rollcall::net::inline http
