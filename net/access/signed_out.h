// Sign-ins of the page that were ended before their cookie ran out.
//
// Why this file exists: the cookie is signed and kept by the browser alone
// (net/access/page_login.h), so a copy of it would still open after its owner has signed out. What
// is remembered here is the id of the sign-in, until the cookie has run out anyhow; in
// DIR/signed-out, so that a restart forgets none. Beside it lies DIR/page.key, which signs the
// cookies: an app's secret, which the site's own programs know, makes none.
#pragma once

#include "store/bytes/errc.h"
#include "store/bytes/mutex.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>

namespace rollcall::net::inline access {

class SignedOut {
 public:
  explicit SignedOut(const std::filesystem::path& data);
  /// Of a server that writes nothing: both are kept in memory alone, and the key is its own.
  SignedOut();
  /// From any thread; at once here, on the disk by the time it returns.
  store::Result<void> add(const std::string& sign_in, std::int64_t until, std::int64_t now);
  [[nodiscard]] bool contains(std::string_view sign_in) const;
  /// What cookies are signed with.
  [[nodiscard]] const std::string& key() const { return key_; }

 private:
  std::filesystem::path file_;  ///< empty: none
  std::string key_;
  mutable store::Mutex mutex_;
  store::Mutex writing_;
  std::map<std::string, std::int64_t, std::less<>> ended_ RC_GUARDED_BY(mutex_);
};

}  // namespace rollcall::net::inline access
