// The vault's index: where the record of a number or of a name lies, so that a question about one
// person opens one record.
//
// Why this file exists: unsealing a million names takes seconds, and most questions need a few. The
// index is a shortcut: deletable at any time, rebuilt by the next opening for writing. It is used
// only where it fits the vault by its bytes, each of its pages is checked when it is first looked
// at, and what it leads to is checked by the record's own seal. Whatever does not fit is as if the
// file were not there.
//
// The file, vault/index, integers big-endian:
//   header, 128 B: "rollcall-vidx-1\n" · covers u64, the bytes of the vault that the body knows
//     · nonce u64 · numbers u32 · epochs u32 · names u32 · erased u32 · fit 32 B, SHA-256 over
//     covers, the first and the last 512 of those bytes · 16 B of zeroes · MAC 32 B over all before
//     and the sums
//   sums: the first 8 bytes of SHA-256 of each 4,096 bytes of the body
//   body: places u64 by number · epochs, each number u32 and place u64 · hashes u64 of names,
//     ascending · the number u32 of each
//   tail: what was appended to the vault since, each 24 B: hash u64 · place u64 · number u32
//     · check u32. Its places follow each other without a gap, from `covers` on.
// A place is the record's offset ‖ its size u16; 1 is "nobody has that number", 2 "was forgotten",
// and 0 is nothing: a file that was scrubbed. A hash is the first 8 bytes of HMAC-SHA-256(key,
// name), never 0; in the tail 0 is a key epoch's. Key and MAC's key are HKDF of the app's own key.
#pragma once

#include "engine/event.h"
#include "store/bytes/checked_pages.h"

#include <optional>
#include <set>
#include <vector>

namespace rollcall::store::inline vault {

class VaultIndex {
 public:
  /// Where a record lies in the vault's file.
  struct Place {
    std::uint64_t offset = 0;
    std::uint32_t size = 0;
    [[nodiscard]] std::uint64_t end() const { return offset + size; }
    friend bool operator==(const Place&, const Place&) = default;
  };
  struct Entry {
    std::uint64_t hash = 0;  ///< of the name; 0: `number` is a key epoch
    std::uint32_t number = 0;
    Place place;
  };
  /// What an index is made of.
  struct Contents {
    std::uint64_t covers = 0;
    Hash fit{};
    Place app;                  ///< of user 0
    std::vector<Entry> names;   ///< in any order, each number once
    std::vector<Entry> epochs;  ///< ascending
    std::set<engine::UserNumber> erased;
  };

  [[nodiscard]] static Key key_of(const Key& app_key);
  [[nodiscard]] static std::uint64_t hash_of(const Key& key, std::string_view name);
  /// Of the vault's bytes that an index covers.
  [[nodiscard]] static Hash fit_of(ByteView covered);
  [[nodiscard]] static Bytes encode(Contents contents, const Key& key);
  /// Entries as they are appended to the file whose nonce is given.
  [[nodiscard]] static Bytes encode_tail(std::span<const Entry> entries, std::uint64_t nonce);
  /// Sums and MAC of a file anew, where its head says how long it is: for encode(), and for tests
  /// that make files which nobody wrote.
  static void seal(Bytes& file, const Key& key);

  /// Where the app's own record should be: its key is needed before anything here can be believed.
  [[nodiscard]] static std::optional<Place> app_place(ByteView file);
  /// Nothing where the head, its MAC or the sizes are not those of an index under this key. Total.
  /// The bytes must outlive it.
  [[nodiscard]] static std::optional<VaultIndex> open(ByteView file, const Key& key);

  /// Whether it was made over these bytes of a vault, or over their beginning.
  [[nodiscard]] bool fits(ByteView records) const;
  /// Overwritten since it was opened: the vault was written anew.
  [[nodiscard]] bool scrubbed() const { return head_[0] == 0; }
  /// Every page, and that no byte is left over: an index that is worth keeping.
  [[nodiscard]] bool whole() const;

  enum class Look : std::uint8_t { Found, Nobody, Erased, Fault };
  struct Answer {
    Look look = Look::Nobody;
    Place place;
  };
  /// In the body alone: what is in the tail is for the caller to look through.
  [[nodiscard]] Answer place_of(engine::UserNumber number) const;
  /// Numbers whose name may be it: mostly one, or none. Nothing where the file is at fault.
  [[nodiscard]] std::optional<std::vector<engine::UserNumber>> numbers_of(std::uint64_t hash) const;
  /// Every name of the body with its place; nothing where the file is at fault.
  [[nodiscard]] std::optional<std::vector<Entry>> names() const;
  [[nodiscard]] std::optional<std::vector<Entry>> epochs() const;
  [[nodiscard]] std::optional<std::set<engine::UserNumber>> erased() const;
  [[nodiscard]] const std::vector<Entry>& tail() const { return tail_; }

  /// How many bytes of the vault body and tail know.
  [[nodiscard]] std::uint64_t covers() const {
    return tail_.empty() ? base_covers_ : tail_.back().place.end();
  }
  [[nodiscard]] std::uint64_t nonce() const { return nonce_; }
  [[nodiscard]] std::uint32_t numbers() const { return numbers_; }
  [[nodiscard]] std::uint32_t name_count() const { return names_; }

 private:
  VaultIndex() = default;
  [[nodiscard]] std::optional<std::uint64_t> hash_at(std::size_t i) const;
  [[nodiscard]] std::optional<std::uint32_t> number_at(std::size_t i) const;

  ByteView head_;
  CheckedPages body_;
  std::uint64_t base_covers_ = 0, nonce_ = 0;
  Hash fit_{};
  std::uint32_t numbers_ = 0, epochs_ = 0, names_ = 0;
  std::vector<Entry> tail_;
  bool left_over_ = false;  ///< bytes behind the last entry of the tail that holds
};

}  // namespace rollcall::store::inline vault
