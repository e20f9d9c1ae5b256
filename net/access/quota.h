// How much one caller may have: so many a second, so many at a time.
//
// Why this file exists: what one caller does must not take from the others. Callers are who they
// proved to be; who proved nothing is counted by address. Both tables are bounded.
#pragma once

#include "net/access/caller_limits.h"
#include "net/wire/networks.h"
#include "store/bytes/mutex.h"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

namespace rollcall::net::inline access {

/// Buckets that fill at a rate; what is taken may overdraw one, so that a large piece passes where
/// there is anything left, and is paid for afterwards.
class Rates {
 public:
  using Clock = std::chrono::steady_clock;
  /// The seconds after which to come again, or nothing where `cost` was taken. `per_second` 0: no
  /// limit. A bucket holds what comes in `burst` seconds.
  [[nodiscard]] std::optional<std::uint32_t> take(const std::string& who, double cost,
                                                  double per_second, double burst,
                                                  Clock::time_point now = Clock::now());

 private:
  void make_room(Clock::time_point now) RC_REQUIRES(mutex_);
  struct Bucket {
    double left = 0;
    Clock::time_point at;
    double full_after = 0;  ///< seconds from `at`
  };
  store::Mutex mutex_;
  std::unordered_map<std::string, Bucket> buckets_ RC_GUARDED_BY(mutex_);
};

/// Places that are held for as long as the thing returned lives.
class Places {
 public:
  using Place = std::shared_ptr<void>;
  /// Nothing where `who` holds `most` already. May outlive this.
  [[nodiscard]] Place take(const std::string& who, std::uint32_t most);

 private:
  struct Held {
    store::Mutex mutex;
    std::unordered_map<std::string, std::uint32_t> by_who RC_GUARDED_BY(mutex);
  };
  struct Taken;
  std::shared_ptr<Held> held_ = std::make_shared<Held>();
};

/// The server's own, with what its settings allow.
class Quotas {
 public:
  explicit Quotas(const CallerLimits& allowed) : limits(allowed) {}
  /// Counts a failed proof of who asks against the address it came from; the seconds after which to
  /// come again where there were too many. Who proves who it is passes whatever others did there.
  [[nodiscard]] std::optional<std::uint32_t> failed(std::string_view address);
  /// One of `most` a minute.
  [[nodiscard]] std::optional<std::uint32_t> take_of_minute(const std::string& who, unsigned most);
  /// For an endpoint whose caller proves itself by something else than a token: `proved` is counted
  /// by `who`, what failed by address. TooMany, or NotPermitted with the sentence.
  [[nodiscard]] store::Result<void> let_in(bool proved, const std::string& who,
                                           std::string_view address, std::string_view refusal);

  const CallerLimits& limits;
  Rates rates;
  Places places;
};

}  // namespace rollcall::net::inline access
