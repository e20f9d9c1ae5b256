// Bearer tokens of a store: random strings of which the file keeps only hashes.
//
// The file DIR/tokens, readable by its owner alone, has a line a token:
//   <sha256 of the token, hex> <app or *> <scopes, comma> <expires, unix seconds or 0> <name>
// The admin token of the first start lies beside it in DIR/admin.token, where the CLI finds it.
#pragma once

#include "store/errc.h"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace rollcall::net {

struct Token {
  std::string hash, app, name;
  std::vector<std::string> scopes;
  std::int64_t expires = 0;
};

class Tokens {
 public:
  explicit Tokens(std::filesystem::path data) : file_(std::move(data) / "tokens") {}
  [[nodiscard]] store::Result<std::vector<Token>> list() const;
  /// The token itself, shown once.
  store::Result<std::string> create(const std::string& name, const std::string& app,
                                    const std::vector<std::string>& scopes, std::int64_t expires);
  store::Result<void> revoke(const std::string& name);
  /// Whose it is, for this app, at `now` (unix seconds); nothing where it is nobody's.
  [[nodiscard]] std::optional<Token> find(std::string_view token, std::string_view app,
                                          std::int64_t now) const;

 private:
  store::Result<void> save(const std::vector<Token>& tokens) const;
  std::filesystem::path file_;
};

inline constexpr const char* kScopes[] = {"presence:read", "audit:read", "events:write", "admin"};
[[nodiscard]] bool known_scope(std::string_view scope);

}  // namespace rollcall::net
