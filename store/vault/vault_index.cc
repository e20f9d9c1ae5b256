// Making and reading the index's bytes.
#include "store/vault/vault_index.h"

#include <algorithm>
#include <cstring>

namespace rollcall::store::inline vault {
namespace {

using engine::UserNumber;
using Place = VaultIndex::Place;
using Entry = VaultIndex::Entry;

constexpr std::string_view kMagic = "rollcall-vidx-1\n";
constexpr std::size_t kHead = 128, kMacked = 96, kEntry = 24;
constexpr std::size_t kFitBytes = 512;
constexpr std::uint64_t kNobody = 1, kErased = 2;

/// What a head says of sizes.
struct Sizes {
  std::uint32_t numbers = 0, epochs = 0, names = 0;
  [[nodiscard]] std::uint64_t epochs_at() const { return std::uint64_t{8} * numbers; }
  [[nodiscard]] std::uint64_t hashes_at() const { return epochs_at() + std::uint64_t{12} * epochs; }
  [[nodiscard]] std::uint64_t owners_at() const { return hashes_at() + std::uint64_t{8} * names; }
  [[nodiscard]] std::uint64_t body() const { return owners_at() + std::uint64_t{4} * names; }
  [[nodiscard]] std::uint64_t body_at() const { return kHead + CheckedPages::sums_size(body()); }
  [[nodiscard]] std::uint64_t end() const { return body_at() + body(); }
};

std::optional<Sizes> sizes_of(ByteView file) {
  if (file.size() < kHead || as_text(file.first(kMagic.size())) != kMagic) return std::nullopt;
  const Sizes out{get_be32(file.subspan(32)), get_be32(file.subspan(36)),
                  get_be32(file.subspan(40))};
  if (out.end() > file.size()) return std::nullopt;
  return out;
}

std::uint64_t word_of(Place place) { return (place.offset << 16) | place.size; }
Place place_in(std::uint64_t word) {
  return {word >> 16, static_cast<std::uint32_t>(word & 0xFFFF)};
}
/// A record is framed by 8 bytes at least, so no place is one of the words that mean something
/// else.
bool is_place(std::uint64_t word) { return (word & 0xFFFF) >= 8; }

/// splitmix64's last steps: finds what a crash tears or loses, not what somebody forges. Who could
/// would have to write into the vault's folder, and can delete the file as well.
std::uint64_t mixed(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL;
  return x ^ (x >> 31);
}

std::uint32_t check_of(std::uint64_t nonce, std::uint64_t hash, std::uint64_t place,
                       std::uint32_t number) {
  return static_cast<std::uint32_t>(
      mixed(mixed(mixed(nonce ^ hash) ^ place) ^ (number + 0x9E3779B97F4A7C15ULL)) >> 32);
}

Hash mac_of(const Key& key, ByteView head, ByteView sums) {
  const Key mac_key = hkdf_sha256(key, {}, as_bytes("rollcall/vault-index-mac/v1"));
  return hmac_sha256(mac_key, {head.first(kMacked), sums});
}

}  // namespace

Key VaultIndex::key_of(const Key& app_key) {
  return hkdf_sha256(app_key, {}, as_bytes("rollcall/vault-index/v1"));
}

std::uint64_t VaultIndex::hash_of(const Key& key, std::string_view name) {
  return std::max<std::uint64_t>(get_be64(hmac_sha256(key, {as_bytes(name)})), 1);
}

Hash VaultIndex::fit_of(ByteView covered) {
  Bytes size;
  put_be64(size, covered.size());
  const std::size_t part = std::min(kFitBytes, covered.size());
  return sha256({size, covered.first(part), covered.last(part)});
}

Bytes VaultIndex::encode(Contents contents, const Key& key) {
  auto& names = contents.names;
  const auto by_hash = [](const Entry& a, const Entry& b) {
    return a.hash != b.hash ? a.hash < b.hash : a.number < b.number;
  };
  if (!std::is_sorted(names.begin(), names.end(), by_hash))
    std::sort(names.begin(), names.end(), by_hash);
  UserNumber highest = contents.erased.empty() ? 0 : *contents.erased.rbegin();
  for (const Entry& e : names) highest = std::max(highest, e.number);
  const Sizes sizes{highest + 1, static_cast<std::uint32_t>(contents.epochs.size()),
                    static_cast<std::uint32_t>(names.size())};
  Bytes out;
  out.reserve(sizes.end());
  out.insert(out.end(), kMagic.begin(), kMagic.end());
  put_be64(out, contents.covers);
  std::array<std::uint8_t, 8> nonce;
  random_bytes(nonce);
  out.insert(out.end(), nonce.begin(), nonce.end());
  put_be32(out, sizes.numbers);
  put_be32(out, sizes.epochs);
  put_be32(out, sizes.names);
  put_be32(out, static_cast<std::uint32_t>(contents.erased.size()));
  out.insert(out.end(), contents.fit.begin(), contents.fit.end());
  out.resize(sizes.body_at(), 0);
  std::vector<std::uint64_t> places(sizes.numbers, kNobody);
  for (const UserNumber number : contents.erased) places[number] = kErased;
  for (const Entry& e : names) places[e.number] = word_of(e.place);
  places[0] = word_of(contents.app);
  for (const std::uint64_t word : places) put_be64(out, word);
  for (const Entry& e : contents.epochs) {
    put_be32(out, e.number);
    put_be64(out, word_of(e.place));
  }
  for (const Entry& e : names) put_be64(out, e.hash);
  for (const Entry& e : names) put_be32(out, e.number);
  seal(out, key);
  return out;
}

void VaultIndex::seal(Bytes& file, const Key& key) {
  const auto sizes = sizes_of(file);
  if (!sizes) return;
  const Bytes sums = CheckedPages::sums_of(ByteView(file).subspan(sizes->body_at(), sizes->body()));
  std::copy(sums.begin(), sums.end(), file.begin() + kHead);
  const Hash mac = mac_of(key, file, sums);
  std::copy(mac.begin(), mac.end(), file.begin() + kMacked);
}

Bytes VaultIndex::encode_tail(std::span<const Entry> entries, std::uint64_t nonce) {
  Bytes out;
  out.reserve(entries.size() * kEntry);
  for (const Entry& e : entries) {
    const std::uint64_t place = word_of(e.place);
    put_be64(out, e.hash);
    put_be64(out, place);
    put_be32(out, e.number);
    put_be32(out, check_of(nonce, e.hash, place, e.number));
  }
  return out;
}

std::optional<Place> VaultIndex::app_place(ByteView file) {
  const auto sizes = sizes_of(file);
  if (!sizes || sizes->numbers == 0) return std::nullopt;
  const std::uint64_t word = get_be64(file.subspan(sizes->body_at()));
  return is_place(word) ? std::optional<Place>(place_in(word)) : std::nullopt;
}

std::optional<VaultIndex> VaultIndex::open(ByteView file, const Key& key) {
  const auto sizes = sizes_of(file);
  if (!sizes || sizes->numbers == 0) return std::nullopt;
  VaultIndex out;
  out.head_ = file.first(kHead);
  const ByteView sums = file.subspan(kHead, sizes->body_at() - kHead);
  if (!equal_constant_time(mac_of(key, file, sums), file.subspan(kMacked, 32))) return std::nullopt;
  out.body_ = {file.subspan(sizes->body_at(), sizes->body()), sums};
  out.base_covers_ = get_be64(file.subspan(16));
  out.nonce_ = get_be64(file.subspan(24));
  std::copy_n(file.begin() + 48, out.fit_.size(), out.fit_.begin());
  out.numbers_ = sizes->numbers;
  out.epochs_ = sizes->epochs;
  out.names_ = sizes->names;
  // The tail, as far as it holds: what a crash tore off is found in the vault itself.
  ByteView rest = file.subspan(sizes->end());
  out.tail_.reserve(rest.size() / kEntry);
  std::uint64_t at = out.base_covers_;
  UserNumber next = out.numbers_;
  for (; rest.size() >= kEntry; rest = rest.subspan(kEntry)) {
    const std::uint64_t hash = get_be64(rest), word = get_be64(rest.subspan(8));
    const Entry entry{hash, get_be32(rest.subspan(16)), place_in(word)};
    if (get_be32(rest.subspan(20)) != check_of(out.nonce_, hash, word, entry.number) ||
        !is_place(word) || entry.place.offset != at)
      break;
    if (hash != 0) {
      if (entry.number < next || entry.number == ~UserNumber{0}) break;
      next = entry.number + 1;
    }
    at = entry.place.end();
    out.tail_.push_back(entry);
  }
  out.left_over_ = !rest.empty();
  return out;
}

bool VaultIndex::fits(ByteView records) const {
  return base_covers_ <= records.size() && covers() <= records.size() &&
         fit_of(records.first(base_covers_)) == fit_;
}

bool VaultIndex::whole() const { return !left_over_ && body_.piece(0, body_.size()).has_value(); }

VaultIndex::Answer VaultIndex::place_of(UserNumber number) const {
  if (number >= numbers_) return {Look::Nobody, {}};
  const auto bytes = body_.piece(std::uint64_t{8} * number, 8);
  // Checked before or not, a zero is nobody's: the file was scrubbed under us.
  const std::uint64_t word = bytes ? get_be64(*bytes) : 0;
  if (word == kNobody) return {Look::Nobody, {}};
  if (word == kErased) return {Look::Erased, {}};
  if (!is_place(word)) return {Look::Fault, {}};
  return {Look::Found, place_in(word)};
}

std::optional<std::uint64_t> VaultIndex::hash_at(std::size_t i) const {
  const auto bytes =
      body_.piece(Sizes{numbers_, epochs_, names_}.hashes_at() + std::uint64_t{8} * i, 8);
  if (!bytes || get_be64(*bytes) == 0) return std::nullopt;
  return get_be64(*bytes);
}

std::optional<std::uint32_t> VaultIndex::number_at(std::size_t i) const {
  const auto bytes =
      body_.piece(Sizes{numbers_, epochs_, names_}.owners_at() + std::uint64_t{4} * i, 4);
  if (!bytes || get_be32(*bytes) == 0) return std::nullopt;
  return get_be32(*bytes);
}

std::optional<std::vector<UserNumber>> VaultIndex::numbers_of(std::uint64_t hash) const {
  // Hashes are spread evenly: the place is guessed, and the range around the guess doubled until it
  // holds the hash. That looks at one page or two, where halving from the ends looks at a dozen.
  const std::size_t n = names_;
  std::size_t low = static_cast<std::size_t>((hash >> 32) * n >> 32), high = low;
  for (std::size_t step = 64; low > 0; step *= 2) {
    const auto at = hash_at(low);
    if (!at) return std::nullopt;
    if (*at < hash) break;
    low -= std::min(low, step);
  }
  for (std::size_t step = 64; high < n; step *= 2) {
    const auto at = hash_at(high);
    if (!at) return std::nullopt;
    if (*at >= hash) break;
    high += std::min(n - high, step);
  }
  while (low < high) {
    const std::size_t middle = low + (high - low) / 2;
    const auto at = hash_at(middle);
    if (!at) return std::nullopt;
    if (*at < hash)
      low = middle + 1;
    else
      high = middle;
  }
  std::vector<UserNumber> out;
  for (; low < n; ++low) {
    const auto at = hash_at(low);
    if (!at) return std::nullopt;
    if (*at != hash) break;
    const auto number = number_at(low);
    if (!number) return std::nullopt;
    out.push_back(*number);
  }
  return out;
}

std::optional<std::vector<Entry>> VaultIndex::names() const {
  std::vector<Entry> out;
  out.reserve(names_);
  for (std::size_t i = 0; i < names_; ++i) {
    const auto hash = hash_at(i);
    const auto number = number_at(i);
    if (!hash || !number) return std::nullopt;
    const Answer answer = place_of(*number);
    if (answer.look != Look::Found) return std::nullopt;
    out.push_back({*hash, *number, answer.place});
  }
  return out;
}

std::optional<std::vector<Entry>> VaultIndex::epochs() const {
  std::vector<Entry> out;
  for (std::size_t i = 0; i < epochs_; ++i) {
    const auto bytes = body_.piece(Sizes{numbers_, epochs_, names_}.epochs_at() + 12 * i, 12);
    const std::uint64_t word = bytes ? get_be64(bytes->subspan(4)) : 0;
    if (!is_place(word)) return std::nullopt;
    out.push_back({0, get_be32(*bytes), place_in(word)});
  }
  return out;
}

std::optional<std::set<UserNumber>> VaultIndex::erased() const {
  std::set<UserNumber> out;
  for (UserNumber number = 1; number < numbers_; ++number) {
    const Look look = place_of(number).look;
    if (look == Look::Fault) return std::nullopt;
    if (look == Look::Erased) out.insert(out.end(), number);
  }
  return out;
}

}  // namespace rollcall::store::inline vault
