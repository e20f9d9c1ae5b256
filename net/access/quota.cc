// Two maps.
#include "net/access/quota.h"

#include "net/wire/networks.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace rollcall::net::inline access {
namespace {

constexpr std::size_t kBucketsMost = 100'000;

}  // namespace

void Rates::make_room(Clock::time_point now) {
  if (buckets_.size() < kBucketsMost) return;
  std::erase_if(buckets_, [&](const auto& entry) {
    return std::chrono::duration<double>(now - entry.second.at).count() >= entry.second.full_after;
  });
  if (buckets_.size() >= kBucketsMost) buckets_.clear();  // counts of some seconds, at the worst
}

std::optional<std::uint32_t> Rates::take(const std::string& who, double cost, double per_second,
                                         double burst, Clock::time_point now) {
  if (per_second <= 0) return std::nullopt;
  const double most = per_second * burst;
  const store::Lock guard(mutex_);
  make_room(now);
  const auto [it, is_new] = buckets_.try_emplace(who);
  Bucket& bucket = it->second;
  if (is_new)
    bucket.left = most;
  else
    bucket.left = std::min(
        most, bucket.left + per_second * std::chrono::duration<double>(now - bucket.at).count());
  bucket.at = now;
  const double wanted = std::min(cost, 1.0);
  const bool taken = bucket.left >= wanted;
  if (taken) bucket.left -= cost;
  bucket.full_after = (most - bucket.left) / per_second;
  if (taken) return std::nullopt;
  return static_cast<std::uint32_t>(
      std::clamp(std::ceil((wanted - bucket.left) / per_second), 1.0, 3600.0));
}

/// A place while it is held. Not a deleter of the pointer: that is copied where nothing may throw.
struct Places::Taken {
  std::shared_ptr<Held> held;
  std::string who;
  bool counted = false;
  Taken(std::shared_ptr<Held> of, std::string caller)
      : held(std::move(of)), who(std::move(caller)) {}
  Taken(const Taken&) = delete;
  Taken& operator=(const Taken&) = delete;
  ~Taken() {
    if (!counted) return;
    const store::Lock guard(held->mutex);
    const auto it = held->by_who.find(who);
    if (it != held->by_who.end() && --it->second == 0) held->by_who.erase(it);
  }
};

Places::Place Places::take(const std::string& who, std::uint32_t most) {
  auto taken = std::make_shared<Taken>(held_, who);
  const store::Lock guard(held_->mutex);
  std::uint32_t& count = held_->by_who[who];
  if (count >= most) {
    if (count == 0) held_->by_who.erase(who);
    return nullptr;
  }
  ++count;
  taken->counted = true;
  return taken;
}

std::optional<std::uint32_t> Quotas::failed(std::string_view address) {
  return take_of_minute("failed\n" + limit_key(address), limits.failures_per_minute);
}

std::optional<std::uint32_t> Quotas::take_of_minute(const std::string& who, unsigned most) {
  constexpr double kMinute = 60;
  return rates.take(who, 1, most / kMinute, kMinute);
}

store::Result<void> Quotas::let_in(bool proved, const std::string& who, std::string_view address,
                                   std::string_view refusal) {
  constexpr unsigned kAMinute = 600;
  const auto wait = proved ? take_of_minute(who, kAMinute) : failed(address);
  if (wait)
    return store::Error{store::Errc::TooMany,
                        fmt::format("too many of these: come again in {} s", *wait)};
  if (!proved) return store::Error{store::Errc::NotPermitted, std::string(refusal)};
  return {};
}

}  // namespace rollcall::net::inline access
