// Keeping the vault's index in step with the vault, in the process that writes both.
//
// Why this file exists: an index may be lost at any time, but must never be wrong, and must not
// keep what was forgotten. What is appended to the vault is appended here after it is durable
// there; a crash or a full disk in between leaves an index that knows less, and readers read on in
// the vault itself. When the tail has grown, and when the vault is written anew, the file is made
// anew: the old one is overwritten with zeroes first, so that neither free space nor a process that
// has it mapped keeps an entry.
#pragma once

#include "store/bytes/files.h"
#include "store/bytes/mutex.h"
#include "store/vault/vault_index.h"

#include <filesystem>

namespace rollcall::store::inline vault {

/// Safe for any number of threads.
class VaultIndexFile {
 public:
  /// `files` outlive it.
  VaultIndexFile(std::filesystem::path vault_dir, Files& files)
      : dir_(std::move(vault_dir)), files_(files) {}

  /// Goes on with the file there is; false where it does not fit these bytes of the vault to the
  /// last one, or is damaged.
  [[nodiscard]] bool go_on(ByteView records, const Key& key);
  /// A file anew. An error only where the old one could not be overwritten: one that cannot be
  /// written is done without.
  [[nodiscard]] Result<void> replace(VaultIndex::Contents contents, const Key& key);
  /// After the records that the entries stand for are durable.
  void append(std::span<const VaultIndex::Entry> entries);
  /// Hash and number of every name in the file; nothing where it is not in step with the vault.
  [[nodiscard]] std::optional<std::vector<VaultIndex::Entry>> known() const;

  [[nodiscard]] std::filesystem::path path() const { return dir_ / "index"; }

 private:
  [[nodiscard]] Result<void> replace_locked(VaultIndex::Contents contents, const Key& key)
      RC_REQUIRES(mutex_);
  [[nodiscard]] Result<void> merge() RC_REQUIRES(mutex_);

  std::filesystem::path dir_;
  Files& files_;
  mutable Mutex mutex_;
  Key key_ RC_GUARDED_BY(mutex_){};
  bool in_step_ RC_GUARDED_BY(mutex_) = false;
  std::uint64_t size_ RC_GUARDED_BY(mutex_) = 0;
  std::uint64_t covers_ RC_GUARDED_BY(mutex_) = 0;
  std::uint64_t nonce_ RC_GUARDED_BY(mutex_) = 0;
  std::size_t body_names_ RC_GUARDED_BY(mutex_) = 0;
  std::size_t tail_ RC_GUARDED_BY(mutex_) = 0;
};

}  // namespace rollcall::store::inline vault
