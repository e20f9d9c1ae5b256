// Who is signed in to the page: a cookie that the server signs and keeps nothing of.
//
// Why this file exists: a page must not hold a bearer token where a script can read it. POST /login
// takes the token once and answers with a cookie (HttpOnly, SameSite=Strict) that holds who it is,
// what may be done and until when, under an HMAC of the server's own key (net/access/signed_out.h).
// It survives a restart, but not what it was made from: it names its token, which is looked up anew
// at every request, and carries the end that no renewal passes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rollcall::net::inline access {

inline constexpr std::string_view kPageCookie = "rollcall_page";
/// Of a replay: cookies know no ports, and the live server may be on the same host.
inline constexpr std::string_view kReplayCookie = "rollcall_replay";
inline constexpr std::int64_t kPageSessionSeconds = 12 * 3600;

struct PageSession {
  std::string app, name, user;  ///< user: whom it stands for; empty until somebody is chosen
  std::vector<std::string> scopes;
  std::int64_t expires = 0;  ///< unix seconds
  std::string sign_in;       ///< its id, the same in every renewal
  std::string token;         ///< Token::id of the token it was made from; empty: from none
  std::int64_t latest = 0;   ///< no renewal goes beyond this; 0: as long as the token lasts
};

[[nodiscard]] std::string seal_session(const PageSession& session, std::string_view secret);
/// Nothing where it was not signed by this secret, is of another app, or has run out at `now`.
[[nodiscard]] std::optional<PageSession> open_session(std::string_view sealed,
                                                      std::string_view secret, std::string_view app,
                                                      std::int64_t now);
/// The value of a cookie in a Cookie header; empty where it is not there.
[[nodiscard]] std::string_view cookie_value(std::string_view header, std::string_view name);

/// A token that lets any page watch one person: {user, until}, signed by the app's secret.
[[nodiscard]] std::string seal_watch(std::string_view user, std::int64_t until,
                                     std::string_view secret);
struct WatchToken {
  std::string user;
  std::int64_t until = 0;  ///< unix seconds
};
/// Nothing where the signature does not fit or it has run out.
[[nodiscard]] std::optional<WatchToken> open_watch(std::string_view token, std::string_view secret,
                                                   std::int64_t now);

}  // namespace rollcall::net::inline access
