// The vault: names and keys, in their own file so that they can be destroyed physically.
//
// Why this file exists: a database keeps a deleted row in older files until compaction reaches the
// bottom. Here an erasure rewrites the whole file without the deleted records, syncs it and renames
// it over the old one; afterwards no file holds the wrapped key or the sealed name.
//
// File: records of u32 length ‖ payload ‖ first 4 bytes of the payload's SHA-256, big-endian.
// Payloads: 'U' number, wrapped user key, sealed name · 'E' epoch, wrapped epoch key ·
// 'X' number of an erased user, kept for ever; what follows the number is nothing (zeroes, where an
// older file was overwritten in place).
//
// Beside it lies an index (store/vault/vault_index.h). A vault that is opened to be read from,
// where the index fits, maps both files and unseals a record when somebody asks for it; one that is
// opened to be written unseals all. A body's key is HKDF(user key, epoch key): destroying either is
// enough.
#pragma once

#include "engine/event.h"
#include "store/bytes/crypto.h"
#include "store/bytes/errc.h"
#include "store/bytes/files.h"
#include "store/bytes/mutex.h"
#include "store/vault/vault_index_file.h"

#include <boost/unordered/unordered_flat_map.hpp>

#include <array>
#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <unordered_map>

namespace rollcall::store::inline vault {

using engine::UserNumber;

/// The key that wraps all others. From ROLLCALL_MASTER_KEY (64 hex digits), else from the file that
/// ROLLCALL_MASTER_KEY_FILE names, else from vault/master.key, which is created with the store.
struct MasterKey {
  Key key{};
  std::filesystem::path file;  ///< empty if the key came from the environment
  static Result<MasterKey> load(const std::filesystem::path& vault_dir);
  static Result<MasterKey> create(const std::filesystem::path& vault_dir, Files& files);
  /// The key to rotate to: ROLLCALL_NEW_MASTER_KEY, else a random one.
  static Result<MasterKey> next();
};

/// Records collected from enrolments, and where in the file they belong.
struct PendingRecords {
  Bytes bytes;
  std::uint64_t offset = 0;
  std::vector<VaultIndex::Entry> entries;  ///< the same for the index
};

/// Safe for any number of threads: lookups share a lock, changes take it exclusively.
class Vault {
 public:
  Vault(Vault&& other) noexcept;
  Vault& operator=(Vault&& other) noexcept;
  ~Vault();
  /// Creates an empty vault with a key for the app itself (number 0) and epoch 1.
  /// It writes through `files`, which outlive it.
  static Result<Vault> create(const std::filesystem::path& dir, std::string app,
                              Files& files = disk_files());
  /// Reads it, ignoring a torn last record (a crash while enrolling).
  static Result<Vault> open(const std::filesystem::path& dir, std::string app,
                            Files& files = disk_files());
  /// For reading alone, and only as far as it is asked: where the index fits, no name is unsealed
  /// yet. Writes nothing.
  static Result<std::unique_ptr<const Vault>> open_to_read(const std::filesystem::path& dir,
                                                           std::string app);

  [[nodiscard]] std::optional<UserNumber> number_of(std::string_view name) const;
  [[nodiscard]] std::optional<std::string> name_of(UserNumber number) const;
  [[nodiscard]] bool erased(UserNumber number) const;
  [[nodiscard]] std::set<UserNumber> erased() const;
  [[nodiscard]] std::size_t users() const;
  [[nodiscard]] std::uint32_t epoch() const;

  /// Key of a user's bodies in an epoch; nothing if either half was destroyed.
  [[nodiscard]] std::optional<Key> body_key(UserNumber number, std::uint32_t epoch) const;
  /// For tags: HMAC keys of the app and of a user.
  [[nodiscard]] Key tag_key() const;
  [[nodiscard]] std::optional<Key> user_key(UserNumber number) const;
  /// The numbers below `users` that have no key, ascending.
  [[nodiscard]] std::vector<UserNumber> without_key(UserNumber users) const;
  /// The user's record as stored on disk, for scans after an erasure.
  [[nodiscard]] Result<Bytes> record_of(UserNumber number) const;

  /// Adds a user in memory and to the pending bytes; durable after sync().
  void enroll(UserNumber number, std::string_view name);
  [[nodiscard]] Result<void> sync();
  /// The two halves of sync(), for a pipeline: one thread takes the collected records, another
  /// writes them, in the order in which they were taken.
  [[nodiscard]] PendingRecords take_pending();
  [[nodiscard]] Result<void> write(const PendingRecords& records) const;
  /// Starts a new key epoch; durable on return.
  [[nodiscard]] Result<std::uint32_t> add_epoch();
  /// Destroys keys and names, marks the numbers erased, and rewrites the file; durable on
  /// return.
  [[nodiscard]] Result<void> forget(const std::set<UserNumber>& numbers);
  /// Destroys an epoch's key, which makes every body of that epoch unreadable.
  [[nodiscard]] Result<void> destroy_epoch(std::uint32_t epoch);
  /// Drops users unknown to the log (a crash between vault and log): numbers ≥ `first_unknown`.
  [[nodiscard]] Result<void> drop_from(UserNumber first_unknown);
  /// Wraps everything with a new master key and replaces the key file.
  [[nodiscard]] Result<void> rotate_master(const MasterKey& next);

  /// Removes users from a copy of a vault file and marks them erased; needs no key. Durable on
  /// return.
  [[nodiscard]] static Result<void> scrub_copy(const std::filesystem::path& file,
                                               const std::set<UserNumber>& numbers);

  [[nodiscard]] std::filesystem::path file() const { return dir_ / "records"; }
  /// A replaced file, until whoever was forgotten is overwritten in it.
  [[nodiscard]] std::filesystem::path replaced_file() const { return dir_ / "records.old"; }
  /// Bytes at the file's end, when it was read, that are not a whole record: a crash while
  /// enrolling, or damage.
  [[nodiscard]] std::uint64_t torn() const { return torn_; }

  /// The file could not be rewritten, and memory is ahead of it: a new key, or an erased user. Only
  /// opening the vault again shows which is in force.
  [[nodiscard]] bool ahead() const {
    const SharedLock guard(*mutex_);
    return ahead_;
  }

  /// For the one writer, with its lock held: what a crash left lying about is destroyed, and the
  /// index is kept in step from now on, made anew where it does not fit.
  [[nodiscard]] Result<void> keep_index();
  /// Whether there is an index that is damaged, or of another vault. For a vault that was read
  /// whole.
  [[nodiscard]] bool index_damaged() const;
  [[nodiscard]] std::filesystem::path index_path() const { return index_->path(); }
  /// What was found wrong with the file since it was opened to be read; names that it cannot tell
  /// are missing.
  [[nodiscard]] std::optional<Error> problem() const {
    const SharedLock guard(*mutex_);
    return problem_;
  }
  /// How many records were unsealed: all, but for a vault opened to be read.
  [[nodiscard]] std::size_t unsealed() const {
    const SharedLock guard(*mutex_);
    return users_.size();
  }

 private:
  struct User {
    Key key;
    std::string name;
    std::uint64_t offset = 0;  ///< of its record in the file (or in the pending bytes after it)
    std::uint32_t size = 0;
  };
  struct Epoch {
    Key key;
    Bytes record;
    std::uint64_t offset = 0;
  };
  struct Lazy;
  static constexpr std::uint32_t kFramedMin = 13;  ///< the frame's 8 bytes, a type and a number
  static constexpr std::uint32_t kFramedMax = 4096 + 8;
  Vault(std::filesystem::path dir, std::string app, MasterKey master, Files& files);

  Result<void> load();
  static Result<Vault> open_once(const std::filesystem::path& dir, const std::string& app,
                                 Files& files);
  struct Opened {
    enum class Fault : std::uint8_t {
      None,
      Damaged,
      Short,
      Closed,
      NameClosed,
      Unknown
    } fault = Fault::None;
    char type = 0;
    std::uint32_t number = 0;
    Key key{};
    std::string name;
  };
  /// A record's parts except the name, unsealed; and the name. Neither depends on other records, so
  /// threads may share the work.
  [[nodiscard]] Opened open_record(ByteView framed_record) const;
  void open_name(Opened& record, ByteView framed_record) const;
  [[nodiscard]] Bytes user_record(UserNumber number, const Key& key, std::string_view name) const;
  [[nodiscard]] Bytes epoch_record(std::uint32_t epoch, const Key& key) const;
  void put_user(UserNumber number, User user) const;
  /// With the lock held: a user, an epoch's key, unsealed by now.
  [[nodiscard]] const User* find_user(UserNumber number) const;
  [[nodiscard]] const Key* find_epoch(std::uint32_t epoch) const;
  [[nodiscard]] std::optional<UserNumber> find_name(std::string_view name) const;
  /// What the index leads to, opened; a fault where that is not the record of this number.
  [[nodiscard]] Opened open_at(VaultIndex::Place place, char type, std::uint32_t number) const;
  [[nodiscard]] std::unique_ptr<Lazy> map_files() const;
  /// The files were written anew under us, or are damaged: mapped anew, at last read whole. What
  /// was unsealed before is dropped.
  void map_again() const;
  void read_whole() const;
  /// Runs a lookup under the lock it needs: what is opened on demand changes the vault.
  template <class Work>
  auto locked(Work work) const;
  struct Aad {
    std::array<std::uint8_t, 5 + 64> bytes;  ///< an app's id has at most 64 bytes
    std::size_t size;
    operator ByteView() const { return ByteView(bytes).first(size); }
  };
  [[nodiscard]] Aad aad(char type, std::uint32_t number) const;
  /// Rewrites the file with the records of the remaining users; `fresh` replaces theirs. `gone` are
  /// the places of records that are overwritten in the file that is replaced.
  Result<void> rewrite(const std::map<UserNumber, Bytes>& fresh = {},
                       const std::vector<VaultIndex::Place>& gone = {});
  Result<void> write_anew(const std::map<UserNumber, Bytes>& fresh,
                          const std::vector<VaultIndex::Place>& gone);
  [[nodiscard]] PendingRecords take_pending_locked();
  /// Takes out of a replaced file whoever is forgotten by now, and the file away.
  Result<void> finish_replaced() const;
  /// The index over the file as it is.
  Result<void> write_index(ByteView records,
                           const std::optional<std::vector<VaultIndex::Entry>>& known);

  // Behind a pointer, so that a vault can be moved.
  std::unique_ptr<SharedMutex> mutex_ = std::make_unique<SharedMutex>();
  std::filesystem::path dir_;
  std::string app_;
  MasterKey master_;
  Files* files_;  ///< never null: a vault can be moved
  // Mutable: a vault opened to be read takes in what it is asked for.
  mutable std::map<UserNumber, User> users_;  ///< with number 0, the app
  /// Keys point into users_: remove an entry before its user.
  mutable boost::unordered_flat_map<std::string_view, UserNumber> numbers_;
  mutable std::map<std::uint32_t, Epoch> epochs_;
  mutable std::set<UserNumber> erased_;
  mutable std::unique_ptr<Lazy> lazy_;  ///< nothing where all is unsealed
  mutable std::optional<Error> problem_;
  mutable std::size_t mappings_ = 0;  ///< how often
  Key index_key_{};
  std::unique_ptr<VaultIndexFile> index_;
  Bytes pending_;
  std::vector<VaultIndex::Entry> pending_entries_;
  bool ahead_ = false;
  std::uint64_t torn_ = 0;
  std::uint64_t good_size_ = 0;  ///< bytes of whole records: a torn tail is cut when writing
};

}  // namespace rollcall::store::inline vault
