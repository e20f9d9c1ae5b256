// What a vault answers, and opening one as far as it is asked.
#include "store/bytes/files.h"
#include "store/bytes/mapped_file.h"
#include "store/vault/vault.h"

#include <fmt/format.h>

#include <algorithm>

namespace rollcall::store::inline vault {

using Place = VaultIndex::Place;
using Look = VaultIndex::Look;

/// The two files of a vault as they were when it was opened. What the index does not know of the
/// vault's end is read and framed, and named when a name is asked for.
struct Vault::Lazy {
  MappedFile records, file;
  User app;
  std::optional<VaultIndex> index;
  std::vector<VaultIndex::Entry> late;  ///< behind the index's body, numbers ascending
  std::size_t hashed = 0;               ///< so many of them are in its tail
  std::uint64_t late_from = 0;          ///< from here on records lie in `late_bytes`
  Bytes late_bytes;
  bool late_named = false;
  std::map<std::uint32_t, Place> epochs;
  std::size_t opened = 0;  ///< one by one

  [[nodiscard]] std::size_t users() const { return index->name_count() + late.size() + 1; }

  /// A record as it is framed; nothing where the bytes are none.
  [[nodiscard]] std::optional<ByteView> record(Place place) const {
    const bool is_late = place.offset >= late_from;
    const ByteView from = is_late ? ByteView(late_bytes) : records.bytes().first(late_from);
    const std::uint64_t at = is_late ? place.offset - late_from : place.offset;
    if (at > from.size() || place.size > from.size() - at || place.size < kFramedMin)
      return std::nullopt;
    const ByteView framed = from.subspan(at, place.size);
    if (get_be32(framed) != place.size - 8) return std::nullopt;
    return framed;
  }

  [[nodiscard]] VaultIndex::Answer place_of(UserNumber number) const {
    const auto it = std::lower_bound(late.begin(), late.end(), number,
                                     [](const auto& e, UserNumber n) { return e.number < n; });
    if (it != late.end() && it->number == number) return {Look::Found, it->place};
    return index->place_of(number);
  }

  /// Frames what lies behind what the index knows. False where that is more than names and epochs:
  /// such a file is for reading whole.
  [[nodiscard]] bool take_late() {
    auto bytes = records.copy_from(late_from);
    if (!bytes) return false;
    late_bytes = std::move(*bytes);
    ByteView rest = late_bytes;
    UserNumber next = std::max(index->numbers(), late.empty() ? 0 : late.back().number + 1);
    // A torn end is a name that is being written, or was when a crash came: not there yet.
    while (rest.size() >= kFramedMin && rest.size() - 8 >= get_be32(rest)) {
      if (get_be32(rest) > kFramedMax - 8) return false;
      const std::uint32_t size = get_be32(rest) + 8;
      if (size < kFramedMin) return false;
      const Place place{late_from + (late_bytes.size() - rest.size()), size};
      const std::uint32_t number = get_be32(rest.subspan(5));
      if (rest[4] == 'U' && number >= next) {
        late.push_back({0, number, place});
        next = number + 1;
      } else if (rest[4] == 'E') {
        epochs[number] = place;
      } else {
        return false;
      }
      rest = rest.subspan(size);
    }
    return true;
  }
};

Vault::Vault(std::filesystem::path dir, std::string app, MasterKey master, Files& files)
    : dir_(std::move(dir)),
      app_(std::move(app)),
      master_(std::move(master)),
      files_(&files),
      index_(std::make_unique<VaultIndexFile>(dir_, files)) {}
Vault::Vault(Vault&& other) noexcept = default;
Vault& Vault::operator=(Vault&& other) noexcept = default;
Vault::~Vault() = default;

std::unique_ptr<Vault::Lazy> Vault::map_files() const {
  auto lazy = std::make_unique<Lazy>();
  auto records = MappedFile::open(file());
  auto file = MappedFile::open(index_->path());
  if (!records || !file) return nullptr;
  lazy->records = std::move(*records);
  lazy->file = std::move(*file);
  const ByteView all = lazy->records.bytes();
  const auto app = VaultIndex::app_place(lazy->file.bytes());
  if (!app || app->size < kFramedMin || app->offset > all.size() ||
      app->size > all.size() - app->offset)
    return nullptr;
  const ByteView framed = all.subspan(app->offset, app->size);
  if (get_be32(framed) != app->size - 8) return nullptr;
  const Opened opened = open_record(framed);
  if (opened.fault != Opened::Fault::None || opened.type != 'U' || opened.number != 0)
    return nullptr;
  lazy->app = {opened.key, "", app->offset, app->size};
  lazy->index = VaultIndex::open(lazy->file.bytes(), VaultIndex::key_of(opened.key));
  if (!lazy->index || !lazy->index->fits(all)) return nullptr;
  const auto epochs = lazy->index->epochs();
  if (!epochs) return nullptr;
  for (const auto& e : *epochs) lazy->epochs[e.number] = e.place;
  for (const auto& e : lazy->index->tail()) {
    if (e.hash == 0)
      lazy->epochs[e.number] = e.place;
    else
      lazy->late.push_back(e);
  }
  lazy->hashed = lazy->late.size();
  lazy->late_from = lazy->index->covers();
  if (!lazy->take_late()) return nullptr;
  return lazy;
}

Result<std::unique_ptr<const Vault>> Vault::open_to_read(const std::filesystem::path& dir,
                                                         std::string app) {
  if (present(dir / "records")) {
    auto master = MasterKey::load(dir);
    if (master) {
      std::unique_ptr<Vault> vault(new Vault(dir, app, std::move(*master), disk_files()));
      vault->lazy_ = vault->map_files();
      if (vault->lazy_) {
        vault->users_[0] = vault->lazy_->app;
        return std::unique_ptr<const Vault>(std::move(vault));
      }
    }
  }
  auto whole = open(dir, std::move(app));
  if (!whole) return whole.error();
  return std::unique_ptr<const Vault>(std::make_unique<Vault>(std::move(*whole)));
}

void Vault::map_again() const {
  // Where it was written anew, the new files fit each other. Else it is damage, which stays.
  constexpr std::size_t kTries = 3;
  const bool anew = lazy_->index->scrubbed();
  lazy_ = anew || mappings_ < kTries ? map_files() : nullptr;
  ++mappings_;
  if (!lazy_) return read_whole();
  numbers_.clear();  // its keys lie in users_
  users_.clear();
  epochs_.clear();
  users_[0] = lazy_->app;
}

void Vault::read_whole() const {
  lazy_.reset();
  ++mappings_;
  auto whole = open(dir_, app_);
  numbers_.clear();
  epochs_.clear();
  if (!whole) {
    problem_ = whole.error();
    users_.erase(users_.upper_bound(0), users_.end());
    return;
  }
  users_ = std::move(whole->users_);
  numbers_ = std::move(whole->numbers_);
  epochs_ = std::move(whole->epochs_);
  erased_ = std::move(whole->erased_);
}

Vault::Opened Vault::open_at(Place place, char type, std::uint32_t number) const {
  Opened out;
  out.fault = Opened::Fault::Damaged;
  const auto framed = lazy_->record(place);
  if (!framed) return out;
  out = open_record(*framed);
  if (out.fault == Opened::Fault::None && out.type == 'X') return out;  // forgotten since
  if (out.fault == Opened::Fault::None && (out.type != type || out.number != number))
    out.fault = Opened::Fault::Damaged;
  open_name(out, *framed);
  return out;
}

const Vault::User* Vault::find_user(UserNumber number) const {
  while (true) {
    if (const auto it = users_.find(number); it != users_.end()) return &it->second;
    if (!lazy_) return nullptr;
    const auto answer = lazy_->place_of(number);
    if (answer.look == Look::Nobody || answer.look == Look::Erased) return nullptr;
    if (answer.look == Look::Found) {
      Opened opened = open_at(answer.place, 'U', number);
      if (opened.fault == Opened::Fault::None) {
        if (opened.type == 'X') return nullptr;
        put_user(number,
                 {opened.key, std::move(opened.name), answer.place.offset, answer.place.size});
        // A question about a crowd: the others are opened faster together, by all processors.
        constexpr std::size_t kCrowd = 4096, kShare = 8;
        if (++lazy_->opened > std::max(kCrowd, lazy_->users() / kShare)) read_whole();
        continue;
      }
    }
    map_again();
  }
}

const Key* Vault::find_epoch(std::uint32_t epoch) const {
  while (true) {
    if (const auto it = epochs_.find(epoch); it != epochs_.end()) return &it->second.key;
    if (!lazy_) return nullptr;
    const auto it = lazy_->epochs.find(epoch);
    if (it == lazy_->epochs.end()) return nullptr;
    const Opened opened = open_at(it->second, 'E', epoch);
    if (opened.fault == Opened::Fault::None) {
      if (opened.type == 'X') return nullptr;
      epochs_[epoch] = {opened.key, {}, it->second.offset};
      continue;
    }
    map_again();
  }
}

std::optional<UserNumber> Vault::find_name(std::string_view name) const {
  while (true) {
    if (const auto it = numbers_.find(name); it != numbers_.end()) return it->second;
    if (!lazy_) return std::nullopt;
    if (!lazy_->late_named) {  // of whom the index knows nothing yet: few
      lazy_->late_named = true;
      std::vector<UserNumber> late;
      for (std::size_t i = lazy_->hashed; i < lazy_->late.size(); ++i)
        late.push_back(lazy_->late[i].number);
      for (const UserNumber number : late) (void)find_user(number);
      continue;  // the vault may have been read whole meanwhile
    }
    const std::uint64_t hash = VaultIndex::hash_of(VaultIndex::key_of(users_.at(0).key), name);
    auto numbers = lazy_->index->numbers_of(hash);
    if (!numbers) {
      map_again();
      continue;
    }
    for (std::size_t i = 0; i < lazy_->hashed; ++i)
      if (lazy_->late[i].hash == hash) numbers->push_back(lazy_->late[i].number);
    const std::size_t asked = mappings_;
    for (const UserNumber number : *numbers)
      if (const User* user = find_user(number); user != nullptr && user->name == name)
        return number;
    if (mappings_ == asked) return std::nullopt;
  }
}

template <class Work>
auto Vault::locked(Work work) const {
  {
    const SharedLock guard(*mutex_);
    if (!lazy_) return work();
  }
  const ExclusiveLock guard(*mutex_);
  if (lazy_ && lazy_->index->scrubbed()) map_again();
  return work();
}

void Vault::put_user(UserNumber number, User user) const {
  // Mostly the next number: then nothing needs to be looked for.
  const bool next = !users_.empty() && users_.rbegin()->first < number;
  const auto known = next ? users_.end() : users_.find(number);
  if (known != users_.end()) numbers_.erase(known->second.name);  // its key is that very name
  const auto at = users_.insert_or_assign(users_.end(), number, std::move(user));
  if (number != 0) numbers_[at->second.name] = number;
}

std::optional<UserNumber> Vault::number_of(std::string_view name) const {
  return locked([&] { return find_name(name); });
}

std::optional<std::string> Vault::name_of(UserNumber number) const {
  return locked([&]() -> std::optional<std::string> {
    const User* user = number == 0 ? nullptr : find_user(number);
    if (user == nullptr) return std::nullopt;
    return user->name;
  });
}

std::uint32_t Vault::epoch() const {
  return locked([&]() -> std::uint32_t {
    if (lazy_) return lazy_->epochs.empty() ? 0 : lazy_->epochs.rbegin()->first;
    return epochs_.empty() ? 0 : epochs_.rbegin()->first;
  });
}

bool Vault::erased(UserNumber number) const {
  return locked([&] {
    while (lazy_) {
      const auto answer = lazy_->place_of(number);
      if (answer.look == Look::Erased) return true;
      if (answer.look == Look::Nobody) return false;
      if (answer.look == Look::Found) {
        const std::size_t asked = mappings_;
        if (find_user(number) != nullptr) return false;
        if (mappings_ == asked) return open_at(answer.place, 'U', number).type == 'X';
        continue;
      }
      map_again();
    }
    return erased_.contains(number);
  });
}

std::set<UserNumber> Vault::erased() const {
  return locked([&] {
    while (lazy_) {
      if (auto all = lazy_->index->erased()) return std::move(*all);
      map_again();
    }
    return erased_;
  });
}

std::size_t Vault::users() const {
  return locked([&] { return lazy_ ? lazy_->users() : users_.size(); });
}

std::optional<Key> Vault::body_key(UserNumber number, std::uint32_t epoch) const {
  return locked([&]() -> std::optional<Key> {
    const Key* half = find_epoch(epoch);
    if (half == nullptr) return std::nullopt;
    const Key other = *half;  // finding the user may read the vault anew
    const User* user = find_user(number);
    if (user == nullptr) return std::nullopt;
    return hkdf_sha256(user->key, other, as_bytes("rollcall/body-key/v1"));
  });
}

Key Vault::tag_key() const {
  return locked([&] { return hkdf_sha256(users_.at(0).key, {}, as_bytes("rollcall/tag-key/v1")); });
}

std::vector<UserNumber> Vault::without_key(UserNumber users) const {
  return locked([&] {
    if (lazy_) read_whole();
    std::vector<UserNumber> out;
    UserNumber next = 0;
    for (const auto& [number, user] : users_) {
      for (; next < number && next < users; ++next) out.push_back(next);
      next = number + 1;
    }
    for (; next < users; ++next) out.push_back(next);
    return out;
  });
}

std::optional<Key> Vault::user_key(UserNumber number) const {
  return locked([&]() -> std::optional<Key> {
    const User* user = find_user(number);
    return user == nullptr ? std::nullopt : std::optional<Key>(user->key);
  });
}

Result<Bytes> Vault::record_of(UserNumber number) const {
  const auto text = read_file(file());
  if (!text) return text.error();
  return locked([&]() -> Result<Bytes> {
    const User* user = find_user(number);
    if (user == nullptr || user->offset + user->size > text->size())
      return Error{Errc::NotFound, fmt::format("user #{} has no record", number)};
    const ByteView record = as_bytes(*text).subspan(user->offset, user->size);
    return Bytes(record.begin(), record.end());
  });
}

}  // namespace rollcall::store::inline vault
