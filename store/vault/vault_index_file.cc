// The index on disk: appended to, merged, replaced.
#include "store/vault/vault_index_file.h"

#include "store/bytes/mapped_file.h"

#include <fmt/format.h>

#include <algorithm>

namespace rollcall::store::inline vault {
namespace {

using Entry = VaultIndex::Entry;

/// How long a tail may grow before it is merged into the body: a reader looks through all of it for
/// a name. An eighth of the body costs it a millisecond at a million users, and each name is then
/// written nine times at most.
constexpr std::size_t kTailMin = 4096;
constexpr std::size_t kTailShare = 8;

}  // namespace

bool VaultIndexFile::go_on(ByteView records, const Key& key) {
  const Lock guard(mutex_);
  in_step_ = false;
  const auto file = MappedFile::open(path());
  if (!file) return false;
  const auto index = VaultIndex::open(file->bytes(), key);
  if (!index || !index->fits(records) || index->covers() != records.size() || !index->whole())
    return false;
  key_ = key;
  size_ = file->bytes().size();
  covers_ = index->covers();
  nonce_ = index->nonce();
  body_names_ = index->name_count();
  tail_ = index->tail().size();
  in_step_ = true;
  return true;
}

Result<void> VaultIndexFile::replace(VaultIndex::Contents contents, const Key& key) {
  const Lock guard(mutex_);
  return replace_locked(std::move(contents), key);
}

Result<void> VaultIndexFile::replace_locked(VaultIndex::Contents contents, const Key& key) {
  in_step_ = false;
  const std::uint64_t covers = contents.covers;
  const std::size_t names = contents.names.size();
  const Bytes file = VaultIndex::encode(std::move(contents), key);
  // Only what is still there is overwritten: whoever wrote a file in its place before did the same.
  RC_TRY(files_.blank(path()));
  if (!files_.replace(path(), as_text(file), Secret::Yes)) {  // readers do without it
    (void)files_.remove(path());
    return {};
  }
  key_ = key;
  size_ = file.size();
  covers_ = covers;
  nonce_ = get_be64(ByteView(file).subspan(24));
  body_names_ = names;
  tail_ = 0;
  in_step_ = true;
  return {};
}

void VaultIndexFile::append(std::span<const Entry> entries) {
  const Lock guard(mutex_);
  if (!in_step_ || entries.empty()) return;
  in_step_ = false;
  if (entries.front().place.offset != covers_) return;
  const Bytes bytes = VaultIndex::encode_tail(entries, nonce_);
  const auto file = files_.open(path());
  if (!file || !(*file)->write_at(size_, bytes)) return;
  size_ += bytes.size();
  covers_ = entries.back().place.end();
  tail_ += entries.size();
  in_step_ = true;
  if (tail_ > std::max(kTailMin, body_names_ / kTailShare) && !merge()) in_step_ = false;
}

/// Out of the files alone: the vault's own memory is somebody else's to lock.
Result<void> VaultIndexFile::merge() {
  VaultIndex::Contents contents;
  {
    const auto records = MappedFile::open(dir_ / "records");
    const auto file = MappedFile::open(path());
    if (!records) return records.error();
    if (!file) return file.error();
    const Error damaged{Errc::Incomplete, fmt::format("{}: damaged", path().string())};
    const auto index = VaultIndex::open(file->bytes(), key_);
    if (!index || index->covers() != covers_ || !index->fits(records->bytes())) return damaged;
    auto names = index->names();
    auto epochs = index->epochs();
    auto erased = index->erased();
    const auto app = index->place_of(0);
    if (!names || !epochs || !erased || app.look != VaultIndex::Look::Found) return damaged;
    const auto body = static_cast<std::ptrdiff_t>(names->size());
    for (const Entry& e : index->tail()) (e.hash == 0 ? *epochs : *names).push_back(e);
    const auto by_hash = [](const Entry& a, const Entry& b) {
      return a.hash != b.hash ? a.hash < b.hash : a.number < b.number;
    };
    std::sort(names->begin() + body, names->end(), by_hash);
    std::inplace_merge(names->begin(), names->begin() + body, names->end(), by_hash);
    contents = {covers_,
                VaultIndex::fit_of(records->bytes().first(covers_)),
                app.place,
                std::move(*names),
                std::move(*epochs),
                std::move(*erased)};
  }
  return replace_locked(std::move(contents), key_);
}

std::optional<std::vector<Entry>> VaultIndexFile::known() const {
  const Lock guard(mutex_);
  if (!in_step_) return std::nullopt;
  const auto file = MappedFile::open(path());
  if (!file) return std::nullopt;
  const auto index = VaultIndex::open(file->bytes(), key_);
  if (!index || index->covers() != covers_) return std::nullopt;
  auto out = index->names();
  if (!out) return std::nullopt;
  for (const Entry& e : index->tail())
    if (e.hash != 0) out->push_back(e);
  return out;
}

}  // namespace rollcall::store::inline vault
