// Whose a request is, and whether there is room for one more.
#include "net/presence/server_context.h"

#include "net/wire/pusher_signature.h"

#include <algorithm>

namespace rollcall::net::inline presence {

App* ServerContext::app_by_key(std::string_view key) const {
  for (const auto& app : apps)
    if (app->settings().key == key) return app.get();
  if (key.find('%') == std::string_view::npos) return nullptr;
  const auto plain = percent_decode(key);  // a client may write any character of it so
  return plain && plain->find('%') == std::string::npos ? app_by_key(*plain) : nullptr;
}

App* ServerContext::app_by_id(std::string_view id) const {
  for (const auto& app : apps)
    if (app->settings().id == id) return app.get();
  return nullptr;
}

std::size_t ServerContext::connections() const {
  std::size_t out = 0;
  for (const auto& shard : shards) out += shard->connection_count();
  return out;
}

bool ServerContext::admit() {
  if (settings.handshakes_per_s == 0) return true;
  const auto now = std::chrono::steady_clock::now();
  const store::Lock guard(bucket_mutex_);
  const double rate = settings.handshakes_per_s;
  const double passed = std::chrono::duration<double>(now - bucket_at_).count();
  bucket_ = std::min(rate, bucket_ + rate * std::min(passed, 1.0));
  bucket_at_ = now;
  if (bucket_ < 1) return false;
  bucket_ -= 1;
  return true;
}

}  // namespace rollcall::net::inline presence
