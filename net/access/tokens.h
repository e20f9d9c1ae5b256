// Bearer tokens of a store: random strings of which the file keeps only hashes.
//
// The file DIR/tokens, readable by its owner alone, has a line that says its form and a line a
// token:
//   <sha256 of the token, hex> <app or *> <scopes, comma> <expires, unix seconds or 0> <name>
// The admin token of the first start lies beside it in DIR/admin.token, where the CLI finds it.
// Before the second form there was no scope server:admin: there, admin for every app (*) meant it.
#pragma once

#include "store/bytes/errc.h"
#include "store/bytes/mutex.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace rollcall::net::inline access {

struct Token {
  std::string hash, app, name;
  std::vector<std::string> scopes;
  std::int64_t expires = 0;

  /// What a cookie names it by.
  [[nodiscard]] std::string id() const { return hash.substr(0, 32); }
  [[nodiscard]] bool is_for(std::string_view which) const { return app == "*" || app == which; }
  [[nodiscard]] bool ended(std::int64_t now) const { return expires != 0 && expires <= now; }
};

/// Changes hold a lock over reading and writing, in this process and others: what was made works.
/// Questions are answered from memory; the file is read when it is another than it was.
class Tokens {
 public:
  explicit Tokens(std::filesystem::path data)
      : file_(data / "tokens"), lock_(std::move(data) / "tokens.lock") {}
  [[nodiscard]] store::Result<std::vector<Token>> list() const;
  /// The token itself, shown once. Names are unique within an app.
  store::Result<std::string> create(const std::string& name, const std::string& app,
                                    const std::vector<std::string>& scopes, std::int64_t expires);
  /// `app`: only those of this app; empty: whichever has the name.
  store::Result<void> revoke(const std::string& name, const std::string& app = {});
  /// The operator's own, made where there is none: what DIR/admin.token holds.
  store::Result<void> make_admin(const std::filesystem::path& into);
  /// Whose it is, for this app, at `now` (unix seconds); nothing where it is nobody's.
  [[nodiscard]] std::optional<Token> find(std::string_view token, std::string_view app,
                                          std::int64_t now) const;
  /// The same by Token::id.
  [[nodiscard]] std::optional<Token> find_id(std::string_view id, std::string_view app,
                                             std::int64_t now) const;

 private:
  using All = std::vector<Token>;
  struct Stamp {
    std::uint64_t inode = 0, size = 0;
    std::int64_t seconds = 0, nanoseconds = 0;
    bool operator==(const Stamp&) const = default;
  };
  [[nodiscard]] Stamp stamp() const;
  [[nodiscard]] std::shared_ptr<const All> known() const;
  store::Result<std::string> add(const std::string& name, const std::string& app,
                                 const std::vector<std::string>& scopes, std::int64_t expires);
  store::Result<void> save(const All& tokens) const;

  std::filesystem::path file_, lock_;
  mutable store::Mutex mutex_;
  mutable Stamp stamp_ RC_GUARDED_BY(mutex_);
  mutable std::shared_ptr<const All> known_ RC_GUARDED_BY(mutex_);
};

inline constexpr const char* kScopes[] = {"presence:read", "audit:read", "events:write", "admin",
                                          "server:admin"};
inline constexpr std::string_view kServerAdmin = "server:admin";
[[nodiscard]] bool known_scope(std::string_view scope);
/// Whether who has `has` may do what needs `wanted`: admin is all of an app, server:admin all there
/// is.
[[nodiscard]] bool scope_covers(std::string_view has, std::string_view wanted);

}  // namespace rollcall::net::inline access
