// The vault's file: making it, enrolling, forgetting, rotating. Opening: vault_open.cc.
#include "store/vault.h"

#include "store/files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <tuple>

namespace rollcall::store {
namespace {

Bytes framed(ByteView payload) {
  Bytes out;
  put_be32(out, static_cast<std::uint32_t>(payload.size()));
  out.insert(out.end(), payload.begin(), payload.end());
  const Hash sum = sha256({payload});
  out.insert(out.end(), sum.begin(), sum.begin() + 4);
  return out;
}

Bytes seal_random(const Key& key, ByteView plain, ByteView aad) {
  std::array<std::uint8_t, xaes::kNonceSize> nonce;
  random_bytes(nonce);
  return xaes::seal(key, nonce, plain, aad);
}

}  // namespace

Vault::Aad Vault::aad(char type, std::uint32_t number) const {
  Aad out;
  out.bytes[0] = static_cast<std::uint8_t>(type);
  for (std::size_t i = 0; i < 4; ++i)
    out.bytes[1 + i] = static_cast<std::uint8_t>(number >> (24 - 8 * i));
  out.size = 5 + std::min<std::size_t>(app_.size(), out.bytes.size() - 5);
  std::copy_n(app_.begin(), out.size - 5, out.bytes.begin() + 5);
  return out;
}

Bytes Vault::user_record(UserNumber number, const Key& key, std::string_view name) const {
  Bytes payload{'U'};
  put_be32(payload, number);
  const Bytes wrapped = seal_random(master_.key, key, aad('U', number));
  const Bytes sealed = seal_random(key, as_bytes(name), aad('N', number));
  payload.insert(payload.end(), wrapped.begin(), wrapped.end());
  payload.insert(payload.end(), sealed.begin(), sealed.end());
  return framed(payload);
}

Bytes Vault::epoch_record(std::uint32_t epoch, const Key& key) const {
  Bytes payload{'E'};
  put_be32(payload, epoch);
  const Bytes wrapped = seal_random(master_.key, key, aad('E', epoch));
  payload.insert(payload.end(), wrapped.begin(), wrapped.end());
  return framed(payload);
}

Result<Vault> Vault::create(const std::filesystem::path& dir, std::string app) {
  RC_TRY(make_directories(dir, Secret::Yes));
  auto master = MasterKey::create(dir);
  if (!master) return master.error();
  Vault vault(dir, std::move(app), std::move(*master));
  const Key app_key = random_key();
  vault.users_[0] = {app_key, "", 0, 0};
  const Key epoch_key = random_key();
  vault.epochs_[1] = {epoch_key, vault.epoch_record(1, epoch_key)};
  RC_TRY(vault.rewrite({{0, vault.user_record(0, app_key, "")}}));
  return vault;
}

void Vault::put_user(UserNumber number, User user) {
  // Mostly the next number: then nothing needs to be looked for.
  const bool next = !users_.empty() && users_.rbegin()->first < number;
  const auto known = next ? users_.end() : users_.find(number);
  if (known != users_.end()) numbers_.erase(known->second.name);  // its key is that very name
  const auto at = users_.insert_or_assign(users_.end(), number, std::move(user));
  if (number != 0) numbers_[at->second.name] = number;
}

std::optional<UserNumber> Vault::number_of(std::string_view name) const {
  const std::shared_lock guard(*mutex_);
  const auto it = numbers_.find(name);
  return it == numbers_.end() ? std::nullopt : std::optional<UserNumber>(it->second);
}

std::optional<std::string> Vault::name_of(UserNumber number) const {
  const std::shared_lock guard(*mutex_);
  const auto it = users_.find(number);
  if (number == 0 || it == users_.end()) return std::nullopt;
  return it->second.name;
}

std::uint32_t Vault::epoch() const {
  const std::shared_lock guard(*mutex_);
  return epochs_.empty() ? 0 : epochs_.rbegin()->first;
}

bool Vault::erased(UserNumber number) const {
  const std::shared_lock guard(*mutex_);
  return erased_.contains(number);
}

std::set<UserNumber> Vault::erased() const {
  const std::shared_lock guard(*mutex_);
  return erased_;
}

std::size_t Vault::users() const {
  const std::shared_lock guard(*mutex_);
  return users_.size();
}

std::optional<Key> Vault::body_key(UserNumber number, std::uint32_t epoch) const {
  const std::shared_lock guard(*mutex_);
  const auto user = users_.find(number);
  const auto half = epochs_.find(epoch);
  if (user == users_.end() || half == epochs_.end()) return std::nullopt;
  return hkdf_sha256(user->second.key, half->second.first, as_bytes("rollcall/body-key/v1"));
}

Key Vault::tag_key() const {
  const std::shared_lock guard(*mutex_);
  return hkdf_sha256(users_.at(0).key, {}, as_bytes("rollcall/tag-key/v1"));
}

std::vector<UserNumber> Vault::without_key(UserNumber users) const {
  std::vector<UserNumber> out;
  const std::shared_lock guard(*mutex_);
  UserNumber next = 0;
  for (const auto& [number, user] : users_) {
    for (; next < number && next < users; ++next) out.push_back(next);
    next = number + 1;
  }
  for (; next < users; ++next) out.push_back(next);
  return out;
}

std::optional<Key> Vault::user_key(UserNumber number) const {
  const std::shared_lock guard(*mutex_);
  const auto it = users_.find(number);
  return it == users_.end() ? std::nullopt : std::optional<Key>(it->second.key);
}

Result<Bytes> Vault::record_of(UserNumber number) const {
  const auto text = read_file(file());
  if (!text) return text.error();
  const std::shared_lock guard(*mutex_);
  const auto it = users_.find(number);
  if (it == users_.end() || it->second.offset + it->second.size > text->size())
    return Error{Errc::NotFound, fmt::format("user #{} has no record", number)};
  const ByteView record = as_bytes(*text).subspan(it->second.offset, it->second.size);
  return Bytes(record.begin(), record.end());
}

void Vault::enroll(UserNumber number, std::string_view name) {
  const Key key = random_key();
  const Bytes record = user_record(number, key, name);
  const std::unique_lock guard(*mutex_);
  User user{key, std::string(name), good_size_ + pending_.size(),
            static_cast<std::uint32_t>(record.size())};
  pending_.insert(pending_.end(), record.begin(), record.end());
  put_user(number, std::move(user));
}

PendingRecords Vault::take_pending_locked() {
  PendingRecords out{std::move(pending_), good_size_};
  pending_.clear();
  good_size_ += out.bytes.size();
  return out;
}

PendingRecords Vault::take_pending() {
  const std::unique_lock guard(*mutex_);
  return take_pending_locked();
}

Result<void> Vault::write(const PendingRecords& records) const {
  if (records.bytes.empty()) return {};
  const auto failed = [&](const char* what) {
    return Error{Errc::Io, fmt::format("{} {}: {}", what, file().string(), std::strerror(errno))};
  };
  const int fd = ::open(file().c_str(), O_WRONLY | O_CLOEXEC);
  if (fd < 0) return failed("cannot open");
  bool ok =
      ::ftruncate(fd, static_cast<off_t>(records.offset)) == 0 && ::lseek(fd, 0, SEEK_END) >= 0;
  std::size_t written = 0;
  while (ok && written < records.bytes.size()) {
    const ssize_t n = ::write(fd, records.bytes.data() + written, records.bytes.size() - written);
    if (n < 0 && errno == EINTR) continue;
    ok = n > 0;
    if (ok) written += static_cast<std::size_t>(n);
  }
  ok = ok && ::fsync(fd) == 0;
  const int why = errno;
  ::close(fd);
  errno = why;
  if (!ok) return failed("cannot write");
  return {};
}

Result<void> Vault::sync() {
  const PendingRecords records = take_pending();
  const auto written = write(records);
  if (!written) {  // still wanted: the next sync() writes it again in the same place
    const std::unique_lock guard(*mutex_);
    good_size_ = records.offset;
    pending_.insert(pending_.begin(), records.bytes.begin(), records.bytes.end());
  }
  return written;
}

Result<std::uint32_t> Vault::add_epoch() {
  const std::uint32_t next = epoch() + 1;
  const Key key = random_key();
  const Bytes record = epoch_record(next, key);
  {
    const std::unique_lock guard(*mutex_);
    epochs_[next] = {key, record};
    pending_.insert(pending_.end(), record.begin(), record.end());
  }
  RC_TRY(sync());
  return next;
}

Result<void> Vault::rewrite(const std::map<UserNumber, Bytes>& fresh) {
  const auto written = write_anew(fresh);
  if (!written) ahead_ = true;
  return written;
}

Result<void> Vault::write_anew(const std::map<UserNumber, Bytes>& fresh) {
  RC_TRY(write(take_pending_locked()));  // so that every record is in the file
  std::string before;
  if (fresh.size() < users_.size()) {
    auto text = read_file(file());
    if (!text) return text.error();
    before = std::move(*text);
  }
  std::string content;
  std::map<UserNumber, std::pair<std::uint64_t, std::uint32_t>> places;
  for (const auto& [number, user] : users_) {
    const auto it = fresh.find(number);
    if (it == fresh.end() && user.offset + user.size > before.size())
      return Error{Errc::Incomplete,
                   fmt::format("{}: the record of user #{} is not there", file().string(), number)};
    const std::string_view record = it != fresh.end()
                                        ? as_text(it->second)
                                        : std::string_view(before).substr(user.offset, user.size);
    places[number] = {content.size(), static_cast<std::uint32_t>(record.size())};
    content += record;
  }
  for (const auto& [epoch, entry] : epochs_) content += as_text(entry.second);
  for (const UserNumber number : erased_) {
    Bytes payload{'X'};
    put_be32(payload, number);
    content += as_text(framed(payload));
  }
  RC_TRY(replace_file(file(), content, Secret::Yes));
  for (auto& [number, user] : users_) std::tie(user.offset, user.size) = places[number];
  good_size_ = content.size();
  return {};
}

Result<void> Vault::forget(const std::set<UserNumber>& numbers) {
  const std::unique_lock guard(*mutex_);
  for (const UserNumber number : numbers) {
    const auto it = users_.find(number);
    if (it != users_.end()) {
      wipe(it->second.key);
      numbers_.erase(it->second.name);
      wipe({reinterpret_cast<std::uint8_t*>(it->second.name.data()), it->second.name.size()});
      users_.erase(it);
    }
    erased_.insert(number);
  }
  return rewrite();
}

Result<void> Vault::scrub_copy(const std::filesystem::path& file,
                               const std::set<UserNumber>& numbers) {
  const auto text = read_file(file);
  if (!text) return text.error();
  std::string kept;
  ByteView rest = as_bytes(*text);
  while (!rest.empty()) {
    const std::uint32_t size = rest.size() >= 8 ? get_be32(rest) : 0;
    if (size < 5 || rest.size() - 8 < size)
      return Error{Errc::Incomplete,
                   fmt::format("{}: not a copy of a vault, or damaged", file.string())};
    const ByteView record = rest.first(size + 8);
    const bool gone = record[4] == 'U' && numbers.contains(get_be32(record.subspan(5)));
    if (!gone) kept.append(as_text(record));
    rest = rest.subspan(size + 8);
  }
  for (const UserNumber number : numbers) {
    Bytes payload{'X'};
    put_be32(payload, number);
    kept.append(as_text(framed(payload)));
  }
  return replace_file(file, kept, Secret::Yes);
}

Result<void> Vault::destroy_epoch(std::uint32_t epoch) {
  const std::unique_lock guard(*mutex_);
  const auto it = epochs_.find(epoch);
  if (it == epochs_.end())
    return Error{Errc::NotFound, fmt::format("there is no key epoch {}", epoch)};
  if (epoch == epochs_.rbegin()->first)
    return Error{Errc::Refused, "the current key epoch cannot be destroyed: start a new one first"};
  wipe(it->second.first);
  epochs_.erase(it);
  return rewrite();
}

Result<void> Vault::drop_from(UserNumber first_unknown) {
  const std::unique_lock guard(*mutex_);
  const auto from = users_.lower_bound(std::max<UserNumber>(first_unknown, 1));
  if (from == users_.end()) return {};
  for (auto it = from; it != users_.end(); ++it) numbers_.erase(it->second.name);
  users_.erase(from, users_.end());
  return rewrite();
}

Result<void> Vault::rotate_master(const MasterKey& next) {
  const std::unique_lock guard(*mutex_);
  if (master_.file.empty() && next.file.empty() &&
      std::getenv("ROLLCALL_NEW_MASTER_KEY") == nullptr) {
    return Error{
        Errc::Refused,
        "the master key comes from the environment: give the next one as ROLLCALL_NEW_MASTER_KEY"};
  }
  if (!master_.file.empty())
    RC_TRY(replace_file(dir_ / "master.key.next", hex(next.key) + "\n", Secret::Yes));
  const std::filesystem::path target = master_.file;
  master_.key = next.key;
  std::map<UserNumber, Bytes> fresh;
  for (auto& [number, user] : users_) fresh[number] = user_record(number, user.key, user.name);
  for (auto& [epoch, entry] : epochs_) entry.second = epoch_record(epoch, entry.first);
  RC_TRY(rewrite(fresh));
  if (target.empty()) return {};
  RC_TRY(replace_file(target, hex(next.key) + "\n", Secret::Yes));
  std::error_code ec;
  std::filesystem::remove(dir_ / "master.key.next", ec);
  return sync_directory(dir_);
}

}  // namespace rollcall::store
