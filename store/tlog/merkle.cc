// RFC 6962 trees: appending, proving, verifying.
#include "store/tlog/merkle.h"

#include "store/bytes/crypto.h"

#include <bit>

namespace rollcall::store::inline tlog::merkle {
namespace {

constexpr std::array<std::uint8_t, 1> kLeafPrefix{0x00};

/// Largest power of two smaller than n; n > 1.
std::uint64_t split(std::uint64_t n) { return std::bit_floor(n - 1); }

/// MTH of leaves [start, start + size), where start is a multiple of the power of two not below
/// size.
Result<Hash> range_root(std::uint64_t start, std::uint64_t size, const NodeSource& nodes) {
  if (std::has_single_bit(size)) {
    const auto level = static_cast<std::uint32_t>(std::countr_zero(size));
    return nodes({level, start >> level});
  }
  const std::uint64_t k = split(size);
  const auto left = range_root(start, k, nodes);
  if (!left) return left;
  const auto right = range_root(start + k, size - k, nodes);
  if (!right) return right;
  return node_hash(*left, *right);
}

Result<void> path(std::uint64_t index, std::uint64_t start, std::uint64_t size,
                  const NodeSource& nodes, std::vector<Hash>& out) {
  if (size == 1) return {};
  const std::uint64_t k = split(size);
  const bool is_left = index < k;
  RC_TRY(is_left ? path(index, start, k, nodes, out)
                 : path(index - k, start + k, size - k, nodes, out));
  const auto sibling =
      is_left ? range_root(start + k, size - k, nodes) : range_root(start, k, nodes);
  if (!sibling) return sibling.error();
  out.push_back(*sibling);
  return {};
}

// RFC 6962 section 2.1.2.
Result<void> subproof(std::uint64_t old_size, std::uint64_t start, std::uint64_t size, bool whole,
                      const NodeSource& nodes, std::vector<Hash>& out) {
  if (old_size == size) {
    if (whole) return {};
    const auto hash = range_root(start, size, nodes);
    if (!hash) return hash.error();
    out.push_back(*hash);
    return {};
  }
  const std::uint64_t k = split(size);
  const bool in_left = old_size <= k;
  RC_TRY(in_left ? subproof(old_size, start, k, whole, nodes, out)
                 : subproof(old_size - k, start + k, size - k, false, nodes, out));
  const auto other = in_left ? range_root(start + k, size - k, nodes) : range_root(start, k, nodes);
  if (!other) return other.error();
  out.push_back(*other);
  return {};
}

}  // namespace

Hash leaf_hash(ByteView leaf) { return sha256({kLeafPrefix, leaf}); }

Hash node_hash(const Hash& left, const Hash& right) {
  std::array<std::uint8_t, 65> buffer;  // one update instead of three
  buffer[0] = 0x01;
  std::copy(left.begin(), left.end(), buffer.begin() + 1);
  std::copy(right.begin(), right.end(), buffer.begin() + 33);
  return sha256({buffer});
}

Hash empty_root() { return sha256({}); }

NodeSource nodes_of(const std::vector<Hash>& leaves) {
  return [&leaves](NodeId id) -> Result<Hash> {
    std::vector<Hash> level(
        leaves.begin() + static_cast<std::ptrdiff_t>(id.index << id.level),
        leaves.begin() + static_cast<std::ptrdiff_t>((id.index + 1) << id.level));
    while (level.size() > 1) {
      for (std::size_t i = 0; i < level.size() / 2; ++i)
        level[i] = node_hash(level[2 * i], level[2 * i + 1]);
      level.resize(level.size() / 2);
    }
    return level.front();
  };
}

Result<CompactRange> CompactRange::load(std::uint64_t size, const NodeSource& nodes) {
  CompactRange range;
  range.size_ = size;
  std::uint64_t start = 0;
  for (int level = 63; level >= 0; --level) {
    const std::uint64_t width = std::uint64_t{1} << level;
    if ((size & width) == 0) continue;
    const auto hash = nodes({static_cast<std::uint32_t>(level), start >> level});
    if (!hash) return hash.error();
    range.subtrees_.push_back(*hash);
    start += width;
  }
  return range;
}

void CompactRange::append(const Hash& leaf,
                          const std::function<void(NodeId, const Hash&)>& completed) {
  Hash hash = leaf;
  std::uint64_t index = size_;
  std::uint32_t level = 0;
  if (completed) completed({0, index}, hash);
  while ((index & 1) == 1) {
    hash = node_hash(subtrees_.back(), hash);
    subtrees_.pop_back();
    index >>= 1;
    ++level;
    if (completed) completed({level, index}, hash);
  }
  subtrees_.push_back(hash);
  ++size_;
}

void CompactRange::append(const Hash& leaf) { append(leaf, nullptr); }

Hash CompactRange::root() const {
  if (size_ == 0) return empty_root();
  Hash hash = subtrees_.back();
  for (std::size_t i = subtrees_.size() - 1; i-- > 0;) hash = node_hash(subtrees_[i], hash);
  return hash;
}

Result<Hash> root(std::uint64_t size, const NodeSource& nodes) {
  if (size == 0) return empty_root();
  return range_root(0, size, nodes);
}

Result<std::vector<Hash>> inclusion_proof(std::uint64_t index, std::uint64_t size,
                                          const NodeSource& nodes) {
  if (index >= size) return Error{Errc::BadInput, "the event is not in a tree of that size"};
  std::vector<Hash> out;
  RC_TRY(path(index, 0, size, nodes, out));
  return out;
}

Result<std::vector<Hash>> consistency_proof(std::uint64_t old_size, std::uint64_t size,
                                            const NodeSource& nodes) {
  if (old_size > size) return Error{Errc::BadInput, "the older tree is larger than the newer one"};
  std::vector<Hash> out;
  if (old_size == 0) return out;
  RC_TRY(subproof(old_size, 0, size, true, nodes, out));
  return out;
}

bool verify_inclusion(const Hash& leaf, std::uint64_t index, std::uint64_t size,
                      std::span<const Hash> proof, const Hash& root) {
  if (index >= size) return false;
  std::uint64_t fn = index;
  std::uint64_t sn = size - 1;
  Hash r = leaf;
  for (const Hash& p : proof) {
    if (sn == 0) return false;
    if ((fn & 1) == 1 || fn == sn) {
      r = node_hash(p, r);
      while ((fn & 1) == 0 && fn != 0) {
        fn >>= 1;
        sn >>= 1;
      }
    } else {
      r = node_hash(r, p);
    }
    fn >>= 1;
    sn >>= 1;
  }
  return sn == 0 && r == root;
}

bool verify_consistency(std::uint64_t old_size, std::uint64_t size, std::span<const Hash> proof,
                        const Hash& old_root, const Hash& root) {
  if (old_size > size) return false;
  if (old_size == size) return proof.empty() && old_root == root;
  if (old_size == 0) return proof.empty() && old_root == empty_root();
  std::vector<Hash> path;
  if (std::has_single_bit(old_size)) path.push_back(old_root);
  path.insert(path.end(), proof.begin(), proof.end());
  if (path.empty()) return false;
  std::uint64_t fn = old_size - 1;
  std::uint64_t sn = size - 1;
  while ((fn & 1) == 1) {
    fn >>= 1;
    sn >>= 1;
  }
  Hash fr = path.front();
  Hash sr = path.front();
  for (std::size_t i = 1; i < path.size(); ++i) {
    if (sn == 0) return false;
    if ((fn & 1) == 1 || fn == sn) {
      fr = node_hash(path[i], fr);
      sr = node_hash(path[i], sr);
      while ((fn & 1) == 0 && fn != 0) {
        fn >>= 1;
        sn >>= 1;
      }
    } else {
      sr = node_hash(sr, path[i]);
    }
    fn >>= 1;
    sn >>= 1;
  }
  return sn == 0 && fr == old_root && sr == root;
}

Result<std::vector<Hash>> multi_proof(std::vector<std::uint64_t> known, std::uint64_t size,
                                      const NodeSource& nodes) {
  std::vector<Hash> proof;
  std::uint32_t level = 0;
  for (std::uint64_t count = size; count > 1; count = (count + 1) / 2, ++level) {
    const auto sibling = [&](std::uint64_t index) -> Result<void> {
      const std::uint64_t start = index << level;
      const std::uint64_t width = std::min(std::uint64_t{1} << level, size - start);
      const auto hash = range_root(start, width, nodes);
      if (!hash) return hash.error();
      proof.push_back(*hash);
      return {};
    };
    std::vector<std::uint64_t> next;
    for (std::size_t i = 0; i < known.size(); ++i) {
      const std::uint64_t index = known[i];
      next.push_back(index / 2);
      if (index % 2 == 1)
        RC_TRY(sibling(index - 1));
      else if (i + 1 < known.size() && known[i + 1] == index + 1)
        ++i;
      else if (index + 1 < count)
        RC_TRY(sibling(index + 1));
    }
    known = std::move(next);
  }
  return proof;
}

std::optional<Hash> multi_root(std::vector<IndexedHash> known, std::uint64_t size,
                               std::span<const Hash> proof) {
  if (known.empty()) return std::nullopt;
  for (std::size_t i = 0; i < known.size(); ++i) {
    if (known[i].index >= size || (i > 0 && known[i].index <= known[i - 1].index))
      return std::nullopt;
  }
  std::size_t used = 0;
  for (std::uint64_t count = size; count > 1; count = (count + 1) / 2) {
    std::vector<IndexedHash> next;
    for (std::size_t i = 0; i < known.size(); ++i) {
      const auto [index, hash] = known[i];
      const bool odd = index % 2 == 1;
      if (!odd && i + 1 < known.size() && known[i + 1].index == index + 1) {
        next.push_back({index / 2, node_hash(hash, known[++i].hash)});
      } else if (odd || index + 1 < count) {
        if (used == proof.size()) return std::nullopt;
        const Hash& sibling = proof[used++];
        next.push_back({index / 2, odd ? node_hash(sibling, hash) : node_hash(hash, sibling)});
      } else {
        next.push_back({index / 2, hash});
      }
    }
    known = std::move(next);
  }
  if (used != proof.size()) return std::nullopt;
  return known.front().hash;
}

}  // namespace rollcall::store::inline tlog::merkle
