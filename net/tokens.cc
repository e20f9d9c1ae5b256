// Reading and writing the file.
#include "net/tokens.h"

#include "store/crypto.h"
#include "store/files.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <sstream>

namespace rollcall::net {
namespace {

std::string hash_of(std::string_view token) {
  return store::hex(store::sha256({store::as_bytes(token)}));
}

}  // namespace

bool known_scope(std::string_view scope) {
  return std::any_of(std::begin(kScopes), std::end(kScopes),
                     [&](const char* known) { return scope == known; });
}

store::Result<std::vector<Token>> Tokens::list() const {
  std::vector<Token> out;
  if (!std::filesystem::exists(file_)) return out;
  const auto text = store::read_file(file_);
  if (!text) return text.error();
  std::istringstream lines(*text);
  std::string line;
  while (std::getline(lines, line)) {
    std::istringstream words(line);
    Token token;
    std::string scopes;
    words >> token.hash >> token.app >> scopes >> token.expires >> std::ws;
    std::getline(words, token.name);
    if (token.hash.size() != 64) continue;
    std::istringstream parts(scopes);
    for (std::string scope; std::getline(parts, scope, ',');) token.scopes.push_back(scope);
    out.push_back(std::move(token));
  }
  return out;
}

store::Result<void> Tokens::save(const std::vector<Token>& tokens) const {
  std::string text;
  for (const Token& t : tokens)
    text +=
        fmt::format("{} {} {} {} {}\n", t.hash, t.app, fmt::join(t.scopes, ","), t.expires, t.name);
  return store::replace_file(file_, text, store::Secret::Yes);
}

store::Result<std::string> Tokens::create(const std::string& name, const std::string& app,
                                          const std::vector<std::string>& scopes,
                                          std::int64_t expires) {
  auto tokens = list();
  if (!tokens) return tokens.error();
  for (const Token& t : *tokens)
    if (t.name == name)
      return store::Error{store::Errc::Conflict,
                          fmt::format("there is a token '{}' already", name)};
  const std::string token = "rc_" + store::base64url(store::random_key());
  tokens->push_back({hash_of(token), app, name, scopes, expires});
  RC_TRY(save(*tokens));
  return token;
}

store::Result<void> Tokens::revoke(const std::string& name) {
  auto tokens = list();
  if (!tokens) return tokens.error();
  if (std::erase_if(*tokens, [&](const Token& t) { return t.name == name; }) == 0)
    return store::Error{store::Errc::NotFound, fmt::format("there is no token '{}'", name)};
  return save(*tokens);
}

std::optional<Token> Tokens::find(std::string_view token, std::string_view app,
                                  std::int64_t now) const {
  const auto tokens = list();
  if (!tokens) return std::nullopt;
  const std::string hash = hash_of(token);
  for (const Token& t : *tokens) {
    if (!store::equal_constant_time(store::as_bytes(t.hash), store::as_bytes(hash))) continue;
    if ((t.app != "*" && t.app != app) || (t.expires != 0 && t.expires <= now)) continue;
    return t;
  }
  return std::nullopt;
}

}  // namespace rollcall::net
