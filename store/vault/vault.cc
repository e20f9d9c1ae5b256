// The vault's file: making it, enrolling, forgetting, rotating. Opening: vault_open.cc; answering:
// vault_lookup.cc.
#include "store/vault/vault.h"

#include "store/bytes/files.h"
#include "store/bytes/mapped_file.h"

#include <fmt/format.h>

#include <cstdlib>
#include <tuple>
#include <utility>

namespace rollcall::store::inline vault {
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

/// 'X' and a number, followed by zeroes so that the record has a size that was given; 0: as short
/// as it can be.
Bytes erased_record(UserNumber number, std::uint32_t size) {
  Bytes payload{'X'};
  put_be32(payload, number);
  if (size > payload.size() + 8) payload.resize(size - 8, 0);
  return framed(payload);
}

/// Makes records of a file that was replaced say no more than that their users were forgotten, for
/// whoever has the file open or mapped still; other records stay as they are.
Result<void> overwrite_records(File& file, const std::vector<VaultIndex::Place>& gone) {
  for (const auto& place : gone) {
    constexpr std::size_t kHead = 9;  // of the frame its length, then type and number
    const auto head = file.read_at(place.offset, kHead);
    if (!head) return head.error();
    const bool user = (*head)[4] == 'U';  // an epoch's key is nobody's
    const UserNumber number = user ? get_be32(ByteView(*head).subspan(5)) : 0;
    RC_TRY(file.write_at(place.offset, erased_record(number, place.size)));
  }
  return file.sync();
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

Result<Vault> Vault::create(const std::filesystem::path& dir, std::string app, Files& files) {
  RC_TRY(make_directories(dir, Secret::Yes));
  auto master = MasterKey::create(dir, files);
  if (!master) return master.error();
  Vault vault(dir, std::move(app), std::move(*master), files);
  const Key app_key = random_key();
  vault.users_[0] = {app_key, "", 0, 0};
  vault.index_key_ = VaultIndex::key_of(app_key);
  const Key epoch_key = random_key();
  vault.epochs_[1] = {epoch_key, vault.epoch_record(1, epoch_key), 0};
  RC_TRY(vault.rewrite({{0, vault.user_record(0, app_key, "")}}));
  return vault;
}

void Vault::enroll(UserNumber number, std::string_view name) {
  const Key key = random_key();
  const Bytes record = user_record(number, key, name);
  const std::uint64_t hash = VaultIndex::hash_of(index_key_, name);
  const ExclusiveLock guard(*mutex_);
  User user{key, std::string(name), good_size_ + pending_.size(),
            static_cast<std::uint32_t>(record.size())};
  pending_.insert(pending_.end(), record.begin(), record.end());
  pending_entries_.push_back({hash, number, {user.offset, user.size}});
  put_user(number, std::move(user));
}

PendingRecords Vault::take_pending_locked() {
  PendingRecords out{std::exchange(pending_, {}), good_size_, std::exchange(pending_entries_, {})};
  good_size_ += out.bytes.size();
  return out;
}

PendingRecords Vault::take_pending() {
  const ExclusiveLock guard(*mutex_);
  return take_pending_locked();
}

Result<void> Vault::write(const PendingRecords& records) const {
  if (records.bytes.empty()) return {};
  const auto records_file = files_->open(file());
  if (!records_file) return records_file.error();
  RC_TRY((*records_file)->resize(records.offset));
  RC_TRY((*records_file)->write_at(records.offset, records.bytes));
  RC_TRY((*records_file)->sync());
  index_->append(records.entries);
  return {};
}

Result<void> Vault::sync() {
  const PendingRecords records = take_pending();
  const auto written = write(records);
  if (!written) {  // still wanted: the next sync() writes it again in the same place
    const ExclusiveLock guard(*mutex_);
    good_size_ = records.offset;
    pending_.insert(pending_.begin(), records.bytes.begin(), records.bytes.end());
    pending_entries_.insert(pending_entries_.begin(), records.entries.begin(),
                            records.entries.end());
  }
  return written;
}

Result<std::uint32_t> Vault::add_epoch() {
  const std::uint32_t next = epoch() + 1;
  const Key key = random_key();
  const Bytes record = epoch_record(next, key);
  {
    const ExclusiveLock guard(*mutex_);
    const std::uint64_t offset = good_size_ + pending_.size();
    epochs_[next] = {key, record, offset};
    pending_.insert(pending_.end(), record.begin(), record.end());
    pending_entries_.push_back({0, next, {offset, static_cast<std::uint32_t>(record.size())}});
  }
  RC_TRY(sync());
  return next;
}

Result<void> Vault::rewrite(const std::map<UserNumber, Bytes>& fresh,
                            const std::vector<VaultIndex::Place>& gone) {
  const auto written = write_anew(fresh, gone);
  if (!written) ahead_ = true;
  return written;
}

Result<void> Vault::write_anew(const std::map<UserNumber, Bytes>& fresh,
                               const std::vector<VaultIndex::Place>& gone) {
  RC_TRY(write(take_pending_locked()));  // so that every record is in the file
  const auto known = index_->known();
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
  std::map<std::uint32_t, std::uint64_t> epoch_places;
  for (const auto& [epoch, entry] : epochs_) {
    epoch_places[epoch] = content.size();
    content += as_text(entry.record);
  }
  for (const UserNumber number : erased_) content += as_text(erased_record(number, 0));
  // The file that is replaced keeps a name until it is overwritten, so that a crash in between
  // leaves it to be found.
  RC_TRY(finish_replaced());
  std::unique_ptr<File> replaced;
  if (!gone.empty()) {
    (void)files_->link(file(), replaced_file());  // or not: some disks have none
    auto before_it = files_->open(file());
    if (!before_it) return before_it.error();
    replaced = std::move(*before_it);
  }
  const auto renamed = files_->replace(file(), content, Secret::Yes);
  const auto scrubbed = renamed && replaced ? overwrite_records(*replaced, gone) : Result<void>{};
  if (!renamed || scrubbed) (void)files_->remove(replaced_file());
  RC_TRY(renamed);
  for (auto& [number, user] : users_) std::tie(user.offset, user.size) = places[number];
  for (auto& [epoch, entry] : epochs_) entry.offset = epoch_places[epoch];
  good_size_ = content.size();
  RC_TRY(write_index(as_bytes(content), known));
  return scrubbed;
}

Result<void> Vault::write_index(ByteView records,
                                const std::optional<std::vector<VaultIndex::Entry>>& known) {
  VaultIndex::Contents contents;
  contents.covers = records.size();
  contents.fit = VaultIndex::fit_of(records);
  contents.erased = erased_;
  contents.names.reserve(users_.size());
  const auto place = [](const User& user) { return VaultIndex::Place{user.offset, user.size}; };
  if (known) {  // what was hashed need not be hashed again: most of the work
    // By number in one array: entries come in the order of their hashes, which is none.
    std::vector<VaultIndex::Place> places(std::size_t{users_.rbegin()->first} + 1);
    for (const auto& [number, user] : users_) places[number] = place(user);
    for (const auto& e : *known)
      if (e.number < places.size() && places[e.number].size != 0)
        contents.names.push_back({e.hash, e.number, places[e.number]});
  }
  if (contents.names.size() + 1 != users_.size()) {
    contents.names.clear();
    for (const auto& [number, user] : users_)
      if (number != 0)
        contents.names.push_back({VaultIndex::hash_of(index_key_, user.name), number, place(user)});
  }
  for (const auto& [epoch, entry] : epochs_)
    contents.epochs.push_back(
        {0, epoch, {entry.offset, static_cast<std::uint32_t>(entry.record.size())}});
  contents.app = place(users_.at(0));
  return index_->replace(std::move(contents), index_key_);
}

Result<void> Vault::finish_replaced() const {
  std::error_code ec;
  if (!present(replaced_file())) return {};
  if (!std::filesystem::equivalent(file(), replaced_file(), ec)) {
    std::vector<VaultIndex::Place> gone;
    const auto text = read_file(replaced_file());
    if (!text) return text.error();
    ByteView rest = as_bytes(*text);
    while (rest.size() >= kFramedMin) {
      const std::uint32_t size = get_be32(rest) + 8;
      if (size < kFramedMin || size > rest.size()) break;
      const std::uint32_t number = get_be32(rest.subspan(5));
      if ((rest[4] == 'U' && !users_.contains(number)) ||
          (rest[4] == 'E' && !epochs_.contains(number)))
        gone.push_back({text->size() - rest.size(), size});
      rest = rest.subspan(size);
    }
    const auto replaced = files_->open(replaced_file());
    if (!replaced) return replaced.error();
    RC_TRY(overwrite_records(**replaced, gone));
  }
  return files_->remove(replaced_file());
}

Result<void> Vault::keep_index() {
  const ExclusiveLock guard(*mutex_);
  // Begun and not renamed: nobody needs it, and what is in it must not lie about.
  for (const char* name : {"records.new", "index.new"}) {
    RC_TRY(files_->blank(dir_ / name));
    RC_TRY(files_->remove(dir_ / name));
  }
  RC_TRY(finish_replaced());
  const auto records = MappedFile::open(file());
  if (!records) return records.error();
  if (records->bytes().size() < good_size_)
    return Error{Errc::Incomplete, fmt::format("{}: shorter than it was", file().string())};
  const ByteView known = records->bytes().first(good_size_);
  if (index_->go_on(known, index_key_)) return {};
  return write_index(known, std::nullopt);
}

bool Vault::index_damaged() const {
  const auto index_file = MappedFile::open(index_->path());
  const auto records = MappedFile::open(file());
  if (!index_file) return index_file.error().code != Errc::NotFound;
  if (!records) return false;
  const auto index = VaultIndex::open(index_file->bytes(), index_key_);
  return !index || !index->fits(records->bytes()) || !index->whole();
}

Result<void> Vault::forget(const std::set<UserNumber>& numbers) {
  const ExclusiveLock guard(*mutex_);
  std::vector<VaultIndex::Place> gone;
  for (const UserNumber number : numbers) {
    const auto it = users_.find(number);
    if (it != users_.end()) {
      gone.push_back({it->second.offset, it->second.size});
      wipe(it->second.key);
      numbers_.erase(it->second.name);
      wipe({reinterpret_cast<std::uint8_t*>(it->second.name.data()), it->second.name.size()});
      users_.erase(it);
    }
    erased_.insert(number);
  }
  return rewrite({}, gone);
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
    kept.append(as_text(erased_record(number, 0)));
  }
  return replace_file(file, kept, Secret::Yes);
}

Result<void> Vault::destroy_epoch(std::uint32_t epoch) {
  const ExclusiveLock guard(*mutex_);
  const auto it = epochs_.find(epoch);
  if (it == epochs_.end())
    return Error{Errc::NotFound, fmt::format("there is no key epoch {}", epoch)};
  if (epoch == epochs_.rbegin()->first)
    return Error{Errc::Refused, "the current key epoch cannot be destroyed: start a new one first"};
  wipe(it->second.key);
  const VaultIndex::Place gone{it->second.offset,
                               static_cast<std::uint32_t>(it->second.record.size())};
  epochs_.erase(it);
  return rewrite({}, {gone});
}

Result<void> Vault::drop_from(UserNumber first_unknown) {
  const ExclusiveLock guard(*mutex_);
  const auto from = users_.lower_bound(std::max<UserNumber>(first_unknown, 1));
  if (from == users_.end()) return {};
  for (auto it = from; it != users_.end(); ++it) numbers_.erase(it->second.name);
  users_.erase(from, users_.end());
  return rewrite();
}

Result<void> Vault::rotate_master(const MasterKey& next) {
  const ExclusiveLock guard(*mutex_);
  if (master_.file.empty() && next.file.empty() &&
      std::getenv("ROLLCALL_NEW_MASTER_KEY") == nullptr) {
    return Error{
        Errc::Refused,
        "the master key comes from the environment: give the next one as ROLLCALL_NEW_MASTER_KEY"};
  }
  if (!master_.file.empty())
    RC_TRY(files_->replace(dir_ / "master.key.next", hex(next.key) + "\n", Secret::Yes));
  const std::filesystem::path target = master_.file;
  master_.key = next.key;
  std::map<UserNumber, Bytes> fresh;
  for (auto& [number, user] : users_) fresh[number] = user_record(number, user.key, user.name);
  for (auto& [epoch, entry] : epochs_) entry.record = epoch_record(epoch, entry.key);
  RC_TRY(rewrite(fresh));
  if (target.empty()) return {};
  // Until the key file is the vault's own, opening finds the key in master.key.next: another
  // rotation must not write there.
  const auto done = [&]() -> Result<void> {
    RC_TRY(files_->replace(target, hex(next.key) + "\n", Secret::Yes));
    RC_TRY(files_->remove(dir_ / "master.key.next"));
    return files_->sync_directory(dir_);
  }();
  if (!done) ahead_ = true;
  return done;
}

}  // namespace rollcall::store::inline vault
