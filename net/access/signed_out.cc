// Keeping them.
#include "net/access/signed_out.h"

#include "store/bytes/crypto.h"
#include "store/bytes/files.h"

#include <fmt/format.h>

#include <sstream>

namespace rollcall::net::inline access {
namespace {

/// Read, or made where there is none. What cannot be kept is still a key for this process.
std::string page_key(const std::filesystem::path& file) {
  const auto lock = store::FileLock::wait(file.string() + ".lock");
  if (auto text = store::read_file(file)) {
    while (text->ends_with('\n')) text->pop_back();
    if (text->size() == 64) return *text;
  }
  const std::string made = store::hex(store::random_key());
  (void)store::replace_file(file, made + "\n", store::Secret::Yes);
  return made;
}

}  // namespace

SignedOut::SignedOut(const std::filesystem::path& data)
    : file_(data / "signed-out"), key_(page_key(data / "page.key")) {
  const auto text = store::read_file(file_);
  if (!text) return;
  std::istringstream lines(*text);
  std::string sign_in;
  for (std::int64_t until = 0; lines >> sign_in >> until;) ended_.emplace(sign_in, until);
}

SignedOut::SignedOut() : key_(store::base64url(store::random_key())) {}

store::Result<void> SignedOut::add(const std::string& sign_in, std::int64_t until,
                                   std::int64_t now) {
  const store::Lock writing(writing_);
  std::string text;
  {
    const store::Lock guard(mutex_);
    std::erase_if(ended_, [&](const auto& entry) { return entry.second <= now; });
    ended_.insert_or_assign(sign_in, until);
    for (const auto& [id, end] : ended_) text += fmt::format("{} {}\n", id, end);
  }
  if (file_.empty()) return {};
  return store::replace_file(file_, text, store::Secret::Yes);
}

bool SignedOut::contains(std::string_view sign_in) const {
  const store::Lock guard(mutex_);
  return ended_.find(sign_in) != ended_.end();
}

}  // namespace rollcall::net::inline access
