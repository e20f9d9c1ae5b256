// Who calls an endpoint, with what, and what an endpoint gives back.
#pragma once

#include "net/access/quota.h"
#include "net/presence/app.h"
#include "net/v1/endpoint.h"
#include "net/wire/http_message.h"

namespace rollcall::net::inline v1 {

/// Who calls, and what may be done: found out before an endpoint runs.
struct Caller {
  std::string name;                 ///< of the token, or jwt:<sub>, or app:<key>
  std::vector<std::string> scopes;  ///< net/access/tokens.h
  std::string user;                 ///< a JWT's sub or the page's person: somebody, not a service
  bool by_cookie = false;           ///< signed in to the page
  std::string reader;   ///< in the log of reads: the name, and with what somebody else was become
  std::string token;    ///< Token::id; empty: by none
  std::string sign_in;  ///< of the cookie
  std::int64_t until = 0;   ///< unix seconds at which it ends; 0: never by itself
  std::int64_t latest = 0;  ///< as in PageSession
  /// Whether all of it still holds: for what goes on beyond a request. From any thread.
  std::function<bool()> holds = [] { return true; };
  Caller(std::string who, std::vector<std::string> what, std::string subject)
      : name(std::move(who)), scopes(std::move(what)), user(std::move(subject)), reader(name) {}
  [[nodiscard]] bool may(std::string_view scope) const;
};

struct Call {
  App& app;
  const Caller& caller;
  const HttpRequest& http;
  Loop& loop;
  Quotas& quotas;
};

template <class T>
using Answer = boost::asio::awaitable<store::Result<T>>;

}  // namespace rollcall::net::inline v1
