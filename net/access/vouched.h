// Sockets for which this server itself signed, and what each rests on.
//
// Why this file exists: a signature for a channel or a sign-in holds as long as its socket is open,
// but who was given one here (/broadcasting/auth, /v1/watch) showed a cookie or a token, and those
// end. Each such socket is kept beside what was shown for it, and closed once that opens no more.
// What a site's own program signs rests on the app's secret and is none of this.
#pragma once

#include "net/wire/socket_id.h"
#include "store/bytes/mutex.h"

#include <atomic>
#include <compare>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace rollcall::net::inline access {

/// What was shown. Of one sign-in the latest end counts; what only runs out ends each by itself.
struct Voucher {
  std::string name;        ///< Caller::name
  std::string token;       ///< Token::id; empty: no token that can be revoked
  std::string sign_in;     ///< of the cookie; empty: none
  std::int64_t until = 0;  ///< unix seconds; 0: never by itself
  /// Whether who had it could be signed out: he hears that he is, others are to come again.
  [[nodiscard]] bool revocable() const { return !token.empty() || !sign_in.empty(); }
};

class Vouched {
 public:
  /// The connection rests on this, too.
  void add(ConnectionId connection, const Voucher& voucher);
  /// The connection is closed. Cheap where nobody was vouched for.
  void forget(ConnectionId connection);
  [[nodiscard]] bool empty() const { return count_ == 0; }
  /// How many connections rest on something.
  [[nodiscard]] std::size_t size() const { return count_; }

  struct Ended {
    ConnectionId connection = 0;
    bool revocable = false;
  };
  /// Whatever rests on something that does not hold any more; asked once for each thing shown, not
  /// for each connection. They are not kept any longer.
  [[nodiscard]] std::vector<Ended> take_ended(const std::function<bool(const Voucher&)>& holds);

 private:
  struct Shown {
    std::string name, token, sign_in;
    auto operator<=>(const Shown&) const = default;
  };
  struct Resting {
    std::int64_t until = 0;
    std::set<ConnectionId> connections;
  };
  void drop(ConnectionId connection) RC_REQUIRES(mutex_);

  mutable store::Mutex mutex_;
  std::map<Shown, Resting> shown_ RC_GUARDED_BY(mutex_);
  std::map<ConnectionId, std::set<Shown>> by_connection_ RC_GUARDED_BY(mutex_);
  std::atomic<std::size_t> count_ = 0;
};

}  // namespace rollcall::net::inline access
