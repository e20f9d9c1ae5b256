// What was sent along is looked at in one order: the socket it came over, Authorization, the
// query's signature, the cookie. The first that is there decides.
#include "net/http/callers.h"

#include "net/access/page_login.h"
#include "net/wire/jwt.h"
#include "net/wire/pusher_signature.h"
#include "store/log/event_clock.h"
#include "store/writer.h"

namespace rollcall::net::inline http {
namespace {

using store::Errc;
using store::Error;

/// What `Bearer` came with (RFC 9110 section 11.1: in any case), be it nothing.
std::optional<std::string_view> bearer_of(std::string_view authorization) {
  constexpr std::string_view kBearer = "bearer";
  const std::size_t space = std::min(authorization.find(' '), authorization.size());
  std::string scheme(authorization.substr(0, space));
  for (char& c : scheme)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  if (scheme != kBearer) return std::nullopt;
  authorization.remove_prefix(std::min(space + 1, authorization.size()));
  return authorization;
}

}  // namespace

bool proved_wrong(const store::Result<Caller>& who) {
  return !who && who.error().code != Errc::NotFound;
}

HttpReply nobody(std::string_view why) {
  HttpReply out = problem(401, why);
  out.headers.emplace_back("WWW-Authenticate", "Bearer");
  return out;
}

Callers::Callers(ServerContext& server)
    : server_(server),
      tokens_(server.settings.data),
      signed_out_(server.settings.playback ? SignedOut() : SignedOut(server.settings.data)) {}

std::string_view Callers::cookie_name() const {
  return of_the_past() ? kReplayCookie : kPageCookie;
}

App* Callers::app_of(const HttpRequest& request) const {
  const auto query = parse_query(request.query);
  if (const std::string* id = query ? find(*query, "app") : nullptr) return server_.app_by_id(*id);
  return server_.apps.size() == 1 ? server_.apps.front().get() : nullptr;
}

bool Callers::still(const std::string& app, const std::string& token, const std::string& sign_in,
                    std::int64_t until) const {
  const std::int64_t now = store::wall_now() / 1'000'000;
  return (until == 0 || now < until) && (token.empty() || tokens_.find_id(token, app, now)) &&
         (sign_in.empty() || !signed_out_.contains(sign_in));
}

void Callers::end_vouched() {
  for (const auto& app : server_.apps) {
    const auto holds = [&](const Voucher& v) {
      return still(app->settings().id, v.token, v.sign_in, v.until);
    };
    for (const Vouched::Ended& over : app->vouched().take_ended(holds)) {
      if (over.revocable)
        app->hub().close(over.connection, 4009, "the sign-in of this connection has ended");
      else  // pusher-js connects again, and asks its site for another token
        app->hub().close(over.connection, 4200, "the token of this connection has run out");
    }
  }
}

store::Result<Caller> Callers::caller(App& app, const HttpRequest& request) const {
  auto out = identified(app, request);
  if (out && of_the_past()) {
    // A person's token shows that person the present; the past is for who audits it.
    if (out->token.empty() || !out->may("audit:read"))
      return Error{Errc::NotPermitted, "this is a replay: it takes a token with audit:read"};
    out->scopes = {"presence:read", "audit:read"};
    out->user.clear();
  }
  if (out)
    out->holds = [this, id = app.settings().id, token = out->token, sign_in = out->sign_in,
                  until = out->until] { return still(id, token, sign_in, until); };
  return out;
}

store::Result<Caller> Callers::identified(App& app, const HttpRequest& request) const {
  // Whoever the system lets in there: what he sends along makes him nobody else.
  if (request.local) return Caller(request.peer, {std::begin(kScopes), std::end(kScopes)}, {});
  const std::int64_t now = store::wall_now() / 1'000'000;
  const std::string_view authorization = request.header("authorization");
  // Another scheme is a proxy's in front, which passes it on.
  if (const auto bearer = bearer_of(authorization)) return of_bearer(app, *bearer, now);
  const auto query = parse_query(request.query);
  if (query && find(*query, "auth_signature") != nullptr) {
    const SignedRequest signed_request{request.method, request.path, request.query, request.body};
    const auto parameters =
        signed_parameters(signed_request, app.settings().key, app.settings().secret, now);
    if (!parameters) return parameters.error();
    // Endpoints read the query as it is written; so it has to be written as it was signed.
    for (const auto& [name, value] : *query)
      if (const std::string* said = find(*parameters, name); said == nullptr || *said != value)
        return Error{Errc::NotPermitted,
                     "in a signed request each parameter's name is in lower case, and no array"};
    return Caller("app:" + app.settings().key, {"presence:read", "events:write"}, {});
  }
  if (const auto cookie = cookie_value(request.header("cookie"), cookie_name()); !cookie.empty())
    return of_cookie(app, request, cookie, now);
  return Error{Errc::NotFound, "a bearer token is missing (rollcall token create makes one)"};
}

store::Result<Caller> Callers::of_bearer(App& app, std::string_view token, std::int64_t now) const {
  if (const auto found = tokens_.find(token, app.settings().id, now)) {
    Caller out("token:" + found->name, found->scopes, {});
    out.token = found->id();
    out.until = out.latest = found->expires;
    return out;
  }
  if (const auto claims = verify_jwt(token, app.settings().jwt, now)) {
    if (const auto named = store::check_user_name(claims->subject); !named)
      return Error{Errc::NotPermitted, "the token's sub is no user: " + named.error().detail};
    Caller out("jwt:" + claims->subject, {"presence:read", "events:write"}, claims->subject);
    // Whoever issues an app's JWTs governs that app at the most.
    for (const auto& scope : claims->scopes)
      if (scope != kServerAdmin) out.scopes.push_back(scope);
    out.until = out.latest = claims->expires;
    return out;
  }
  return Error{Errc::NotPermitted, "that token is not known here, or has run out"};
}

store::Result<Caller> Callers::of_cookie(App& app, const HttpRequest& request,
                                         std::string_view cookie, std::int64_t now) const {
  const Error over{Errc::NotPermitted, "the sign-in has run out: sign in again"};
  const auto session = open_session(cookie, signed_out_.key(), app.settings().id, now);
  if (!session || session->sign_in.empty() || signed_out_.contains(session->sign_in)) return over;
  Caller out(session->user.empty() ? session->name : "page:" + session->user, session->scopes,
             session->user);
  if (!session->token.empty()) {  // what it may do, and whether it is there, says the token itself
    const auto token = tokens_.find_id(session->token, app.settings().id, now);
    if (!token) return over;
    out.scopes = token->scopes;
  }
  // A cookie comes along by itself: a change must come from a page of this very origin.
  if (request.method != "GET" && request.method != "HEAD" && !same_origin(request))
    return Error{Errc::NotPermitted, "a change made with a cookie needs the page's own Origin"};
  out.by_cookie = true;
  out.token = session->token;
  out.sign_in = session->sign_in;
  out.until = session->expires;
  out.latest = session->latest;
  // Who became somebody else is named with both.
  if (out.name != session->name && session->name != "jwt:" + session->user)
    out.reader = fmt::format("{} ({})", out.name, session->name);
  return out;
}

}  // namespace rollcall::net::inline http
