// Who calls: by a bearer token, a JWT, an app's signature, the page's cookie, or the server's own
// socket.
#pragma once

#include "net/access/signed_out.h"
#include "net/access/tokens.h"
#include "net/presence/server_context.h"
#include "net/v1/call.h"

namespace rollcall::net::inline http {

class Callers {
 public:
  explicit Callers(ServerContext& server);

  /// The app a request is about: of ?app= or of the only one.
  [[nodiscard]] App* app_of(const HttpRequest& request) const;
  /// Errc::NotFound where somebody came with nothing, another error where with what does not open.
  /// Caller::holds may be asked as long as this lives.
  [[nodiscard]] store::Result<Caller> caller(App& app, const HttpRequest& request) const;
  /// Closes the sockets whose cookie or token opens no more. May look at the disk.
  void end_vouched();
  [[nodiscard]] SignedOut& signed_out() { return signed_out_; }
  /// The name of the page's cookie.
  [[nodiscard]] std::string_view cookie_name() const;
  /// Whether the past is played: then tokens with audit:read alone open, to read.
  [[nodiscard]] bool of_the_past() const { return server_.settings.playback.has_value(); }

 private:
  [[nodiscard]] store::Result<Caller> identified(App& app, const HttpRequest& request) const;
  [[nodiscard]] store::Result<Caller> of_bearer(App& app, std::string_view token,
                                                std::int64_t now) const;
  [[nodiscard]] store::Result<Caller> of_cookie(App& app, const HttpRequest& request,
                                                std::string_view cookie, std::int64_t now) const;
  /// Whether what a caller came with still opens: the token is there, the sign-in not ended.
  [[nodiscard]] bool still(const std::string& app, const std::string& token,
                           const std::string& sign_in, std::int64_t until) const;

  ServerContext& server_;
  Tokens tokens_;
  SignedOut signed_out_;
};

/// Who came with something that does not open, where somebody may come with nothing.
[[nodiscard]] bool proved_wrong(const store::Result<Caller>& who);
/// 401, and that a bearer token is what is wanted.
[[nodiscard]] HttpReply nobody(std::string_view why);

}  // namespace rollcall::net::inline http
