// The cookie's name and life are of net/access/page_login; here is who gets one.
#include "net/http/sign_in.h"

#include "net/access/page_login.h"
#include "net/http/form_fields.h"
#include "store/bytes/crypto.h"
#include "store/log/event_clock.h"
#include "store/writer.h"

#include <spdlog/spdlog.h>

namespace rollcall::net::inline http {
namespace {

std::string cookie_header(std::string_view name, const std::string& value, std::int64_t seconds,
                          bool tls) {
  return fmt::format("{}={}; Path=/; HttpOnly; SameSite=Strict; Max-Age={}{}", name, value, seconds,
                     tls ? "; Secure" : "");
}

}  // namespace

HttpReply sign_in(Callers& callers, App& app, const HttpRequest& request) {
  // A cookie works everywhere: nobody is local but over that socket.
  if (request.local)
    return problem(403, "no cookie over the server's own socket: sign in where it listens");
  auto read = form_fields(request);
  if (!read) return problem(400, read.error().detail);
  auto& fields = *read;
  HttpRequest with_token = request;
  if (!fields["token"].empty())
    with_token.headers.emplace(with_token.headers.begin(), "authorization",
                               "Bearer " + fields["token"]);
  const auto who = callers.caller(app, with_token);
  if (!who) return problem(401, who.error().detail);
  PageSession session;
  session.app = app.settings().id;
  session.name = who->name;
  session.user = who->user;
  session.scopes = who->scopes;
  const std::int64_t now = store::wall_now() / 1'000'000;
  session.sign_in = who->sign_in.empty() ? store::base64url(store::random_key()) : who->sign_in;
  session.token = who->token;
  // A cookie made from a signature alone is not renewed past its first end.
  const bool renewable = !who->token.empty() || who->latest != 0;
  session.latest = renewable ? who->latest : now + kPageSessionSeconds;
  session.expires = now + kPageSessionSeconds;
  if (session.latest != 0) session.expires = std::min(session.expires, session.latest);
  if (who->by_cookie) {  // the name under which it began
    const auto cookie = cookie_value(request.header("cookie"), callers.cookie_name());
    if (const auto before = open_session(cookie, callers.signed_out().key(), session.app, now))
      session.name = before->name;
  }
  const std::string wanted = fields["user"];
  if (!wanted.empty() && callers.of_the_past())
    return problem(403, "nobody is somebody in a replay: sign in with the token alone");
  if (!wanted.empty() && wanted != who->user) {
    if (!who->may("admin")) return problem(403, "to be somebody else needs the scope admin");
    if (const auto named = store::check_user_name(wanted); !named)
      return problem(422, named.error().detail);
    session.user = wanted;
  }
  HttpReply out;
  out.headers.emplace_back(
      "Set-Cookie",
      cookie_header(callers.cookie_name(), seal_session(session, callers.signed_out().key()),
                    session.expires - now, request.tls));
  out.headers.emplace_back("Cache-Control", "no-store");
  out.body = json::serialize(json::object{{"user", session.user}, {"name", session.name}});
  return out;
}

HttpReply sign_out(Callers& callers, App& app, const HttpRequest& request) {
  const auto who = callers.caller(app, request);
  if (who && !who->sign_in.empty()) {
    const std::int64_t now = store::wall_now() / 1'000'000;
    // Renewals of it may have been handed out: as long as any of them could last.
    const std::int64_t until = now + kPageSessionSeconds;
    if (const auto kept = callers.signed_out().add(who->sign_in, until, now); !kept)
      spdlog::error("a sign-out is remembered until the next restart alone: {}",
                    kept.error().detail);
  }
  if (who && !who->user.empty()) {
    app.sessions().terminate(who->user);
    app.hub().terminate(who->user);
  }
  HttpReply out;
  if (proved_wrong(who))
    out = nobody(who.error().detail);
  else
    out.body = "{}";
  out.headers.emplace_back("Set-Cookie", cookie_header(callers.cookie_name(), "", 0, request.tls));
  return out;
}

}  // namespace rollcall::net::inline http
