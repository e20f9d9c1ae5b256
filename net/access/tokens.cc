// Reading and writing the file.
#include "net/access/tokens.h"

#include "store/bytes/crypto.h"
#include "store/bytes/files.h"
#include "store/bytes/utf8.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <sstream>

namespace rollcall::net::inline access {
namespace {

using store::Errc;
using store::Error;

constexpr std::string_view kForm = "# rollcall tokens, form 2";
constexpr std::size_t kNameMax = 200;

std::string hash_of(std::string_view token) {
  return store::hex(store::sha256({store::as_bytes(token)}));
}

bool has(const Token& token, std::string_view scope) {
  return std::find(token.scopes.begin(), token.scopes.end(), scope) != token.scopes.end();
}

std::optional<Error> name_fault(const std::string& name) {
  const bool shown = std::none_of(name.begin(), name.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
  });
  if (name.empty() || name.size() > kNameMax || name.front() == ' ' || !shown ||
      !store::valid_utf8(name))
    return Error{Errc::BadInput, "a token's name is 1 to 200 bytes of text, on one line"};
  return std::nullopt;
}

}  // namespace

bool known_scope(std::string_view scope) {
  return std::any_of(std::begin(kScopes), std::end(kScopes),
                     [&](const char* known) { return scope == known; });
}

bool scope_covers(std::string_view has, std::string_view wanted) {
  return has == wanted || has == kServerAdmin || (has == "admin" && wanted != kServerAdmin);
}

store::Result<std::vector<Token>> Tokens::list() const {
  std::vector<Token> out;
  if (!std::filesystem::exists(file_)) return out;
  const auto text = store::read_file(file_);
  if (!text) return text.error();
  const bool old_form = !text->starts_with(kForm);
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
    if (old_form && token.app == "*" && has(token, "admin") && !has(token, kServerAdmin))
      token.scopes.emplace_back(kServerAdmin);
    out.push_back(std::move(token));
  }
  return out;
}

store::Result<void> Tokens::save(const std::vector<Token>& tokens) const {
  std::string text = fmt::format("{}\n", kForm);
  for (const Token& t : tokens)
    text +=
        fmt::format("{} {} {} {} {}\n", t.hash, t.app, fmt::join(t.scopes, ","), t.expires, t.name);
  return store::replace_file(file_, text, store::Secret::Yes);
}

store::Result<std::string> Tokens::add(const std::string& name, const std::string& app,
                                       const std::vector<std::string>& scopes,
                                       std::int64_t expires) {
  if (const auto fault = name_fault(name)) return *fault;
  auto tokens = list();
  if (!tokens) return tokens.error();
  for (const Token& t : *tokens)
    if (t.name == name && t.app == app)
      return Error{Errc::Conflict, fmt::format("there is a token '{}' already", name)};
  const std::string token = "rc_" + store::base64url(store::random_key());
  tokens->push_back({hash_of(token), app, name, scopes, expires});
  if (has(tokens->back(), kServerAdmin) && app != "*")
    return Error{Errc::BadInput, "the scope server:admin is for every app, not for one"};
  RC_TRY(save(*tokens));
  return token;
}

store::Result<std::string> Tokens::create(const std::string& name, const std::string& app,
                                          const std::vector<std::string>& scopes,
                                          std::int64_t expires) {
  const auto lock = store::FileLock::wait(lock_);
  if (!lock) return lock.error();
  return add(name, app, scopes, expires);
}

store::Result<void> Tokens::make_admin(const std::filesystem::path& into) {
  const auto lock = store::FileLock::wait(lock_);
  if (!lock) return lock.error();
  if (std::filesystem::exists(into)) return {};
  const auto token = add("admin", "*", {"admin", std::string(kServerAdmin)}, 0);
  if (!token) return token.error();
  return store::replace_file(into, *token + "\n", store::Secret::Yes);
}

store::Result<void> Tokens::revoke(const std::string& name, const std::string& app) {
  const auto lock = store::FileLock::wait(lock_);
  if (!lock) return lock.error();
  auto tokens = list();
  if (!tokens) return tokens.error();
  const auto gone = std::erase_if(
      *tokens, [&](const Token& t) { return t.name == name && (app.empty() || t.app == app); });
  if (gone == 0) return Error{Errc::NotFound, fmt::format("there is no token '{}'", name)};
  return save(*tokens);
}

Tokens::Stamp Tokens::stamp() const {
  struct stat now {};
  if (::stat(file_.c_str(), &now) != 0) return {};
  return {now.st_ino, static_cast<std::uint64_t>(now.st_size), now.st_mtim.tv_sec,
          now.st_mtim.tv_nsec};
}

// Asking what the file is now reads nothing from the disk; replace_file makes it another each time.
std::shared_ptr<const Tokens::All> Tokens::known() const {
  const Stamp now = stamp();
  const store::Lock guard(mutex_);
  if (known_ && now == stamp_) return known_;
  auto read = list();
  if (!read) return known_ ? known_ : std::make_shared<const All>();
  known_ = std::make_shared<const All>(std::move(*read));
  stamp_ = now;
  return known_;
}

std::optional<Token> Tokens::find(std::string_view token, std::string_view app,
                                  std::int64_t now) const {
  const auto all = known();
  const std::string hash = hash_of(token);
  for (const Token& t : *all) {
    if (!store::equal_constant_time(store::as_bytes(t.hash), store::as_bytes(hash))) continue;
    if (t.is_for(app) && !t.ended(now)) return t;
  }
  return std::nullopt;
}

std::optional<Token> Tokens::find_id(std::string_view id, std::string_view app,
                                     std::int64_t now) const {
  const auto all = known();
  for (const Token& t : *all)
    if (t.id() == id && t.is_for(app) && !t.ended(now)) return t;
  return std::nullopt;
}

}  // namespace rollcall::net::inline access
