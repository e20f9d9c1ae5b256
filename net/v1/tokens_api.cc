// The file of tokens and the policy's file, changed on a worker.
#include "net/v1/tokens_api.h"

#include "net/access/page_login.h"
#include "net/v1/offload.h"
#include "replay/time_text.h"
#include "store/log/checkpoints.h"
#include "store/log/event_clock.h"

#include <algorithm>

namespace rollcall::net::inline v1 {
namespace {

using store::Errc;
using store::Error;
using store::Result;

Tokens tokens_of(const App& app) {
  return Tokens(app.layout().app_dir.parent_path().parent_path());
}

bool web_address(std::string_view text) {
  constexpr std::size_t kMost = 1000;
  return text.size() <= kMost && (text.starts_with("http://") || text.starts_with("https://"));
}

}  // namespace

Result<std::int64_t> expiry_to_come(const std::string& text) {
  const engine::Micros now = store::wall_now();
  const auto at = replay::parse_time(text, now);
  if (!at) return at.error();
  if (!std::holds_alternative<engine::Micros>(*at))
    return Error{Errc::BadInput, "expires is a time"};
  const std::int64_t seconds = std::get<engine::Micros>(*at) / 1'000'000;
  if (seconds <= now / 1'000'000)
    return Error{Errc::BadInput, "expires is past: the token would open nothing"};
  return seconds;
}

TokenRow token_row(const Token& t) {
  TokenRow out{t.name, t.app, t.scopes, std::nullopt};
  if (t.expires != 0) out.expires = replay::rfc3339(t.expires * 1'000'000);
  return out;
}

Answer<TokensResponse> TokensEndpoint::run(Call call, Request) {
  auto work = [&app = call.app, all = call.caller.may(kServerAdmin)]() -> Result<TokensResponse> {
    const auto tokens = tokens_of(app).list();
    if (!tokens) return tokens.error();
    TokensResponse out;
    for (const Token& t : *tokens)  // who governs one app: others' tokens are not there
      if (all || t.app == app.settings().id) out.tokens.push_back(token_row(t));
    return out;
  };
  co_return co_await offload<TokensResponse>(call, std::move(work));
}

Answer<TokenMade> TokenCreateEndpoint::run(Call call, Request r) {
  if (r.scopes.empty()) co_return Error{Errc::BadInput, "say what it may do: scopes"};
  for (const auto& scope : r.scopes)
    if (!known_scope(scope))
      co_return Error{Errc::BadInput, fmt::format("there is no scope '{}': there are {}", scope,
                                                  fmt::join(kScopes, ", "))};
  const bool of_server =
      std::find(r.scopes.begin(), r.scopes.end(), kServerAdmin) != r.scopes.end();
  if (of_server && !call.caller.may(kServerAdmin))
    co_return Error{Errc::NotPermitted, "only who has the scope server:admin gives it on"};
  std::int64_t expires = 0;
  if (r.expires) {
    const auto at = expiry_to_come(*r.expires);
    if (!at) co_return at.error();
    expires = *at;
  }
  auto work = [&app = call.app, r, of_server, expires]() -> Result<TokenMade> {
    auto made =
        tokens_of(app).create(r.name, of_server ? "*" : app.settings().id, r.scopes, expires);
    if (!made) return made.error();
    return TokenMade{std::move(*made)};
  };
  co_return co_await offload<TokenMade>(call, std::move(work));
}

Answer<TokenNamed> TokenRevokeEndpoint::run(Call call, Request r) {
  auto work = [&app = call.app, r, any = call.caller.may(kServerAdmin)]() -> Result<TokenNamed> {
    auto done = tokens_of(app).revoke(r.name, app.settings().id);
    // A server's admin means any token of that name.
    if (!done && any && done.error().code == Errc::NotFound)
      done = tokens_of(app).revoke(r.name, "");
    if (!done) return done.error();
    return TokenNamed{r.name};
  };
  co_return co_await offload<TokenNamed>(call, std::move(work));
}

Answer<TokenMade> WatchTokenEndpoint::run(Call call, Request r) {
  if (const auto named = store::check_user_name(r.user); !named) co_return named.error();
  const auto expires = expiry_to_come(r.expires.value_or("+30d"));
  if (!expires) co_return expires.error();
  co_return TokenMade{seal_watch(r.user, *expires, call.app.settings().secret)};
}

Answer<PolicyText> WitnessAddEndpoint::run(Call call, Request r) {
  if (!web_address(r.url)) co_return Error{Errc::BadInput, "url is an http:// or https:// address"};
  auto work = [&app = call.app, r]() -> Result<PolicyText> {
    auto text = store::add_witness(app.layout(), {r.name, r.key, r.url, r.quorum.value_or("all")});
    if (!text) return text.error();
    return PolicyText{std::move(*text)};
  };
  co_return co_await offload<PolicyText>(call, std::move(work));
}

}  // namespace rollcall::net::inline v1
