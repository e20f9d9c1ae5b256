// The Merkle tree of RFC 6962 section 2.1, with proofs verified as in RFC 9162 section 2.1.3-2.1.4.
//
// Why this file exists: it is only the arithmetic of proofs, without storage. An owner of nodes
// (the log, tiles, a test's vector) lends them through NodeSource; a verifier needs none.
// H = SHA-256; leaf = H(0x00 ‖ data), node = H(0x01 ‖ left ‖ right), empty tree = H("").
#pragma once

#include "store/bytes/bytes.h"
#include "store/bytes/errc.h"

#include <functional>

namespace rollcall::store::inline tlog::merkle {

[[nodiscard]] Hash leaf_hash(ByteView leaf);
[[nodiscard]] Hash node_hash(const Hash& left, const Hash& right);
[[nodiscard]] Hash empty_root();

/// A complete subtree: `index` counts subtrees of 2^level leaves from the left; level 0 is a leaf.
struct NodeId {
  std::uint32_t level = 0;
  std::uint64_t index = 0;
  auto operator<=>(const NodeId&) const = default;
};

/// Hash of a complete subtree. Called only for subtrees that lie wholly within the tree.
using NodeSource = std::function<Result<Hash>(NodeId)>;

/// The nodes of a tree whose leaves' hashes are in memory. `leaves` must outlive it.
[[nodiscard]] NodeSource nodes_of(const std::vector<Hash>& leaves);

/// The at most 64 complete subtrees that make up a tree: all that appending needs.
class CompactRange {
 public:
  CompactRange() = default;
  /// Loads the range of a tree of `size` leaves.
  static Result<CompactRange> load(std::uint64_t size, const NodeSource& nodes);

  /// Adds a leaf's hash; calls `completed` for every subtree it completes, including the leaf.
  void append(const Hash& leaf, const std::function<void(NodeId, const Hash&)>& completed);
  void append(const Hash& leaf);

  [[nodiscard]] std::uint64_t size() const { return size_; }
  [[nodiscard]] Hash root() const;

 private:
  std::uint64_t size_ = 0;
  std::vector<Hash> subtrees_;  ///< largest first, one per set bit of size_
};

[[nodiscard]] Result<Hash> root(std::uint64_t size, const NodeSource& nodes);
/// Bottom up; `index` < `size`.
[[nodiscard]] Result<std::vector<Hash>> inclusion_proof(std::uint64_t index, std::uint64_t size,
                                                        const NodeSource& nodes);
/// From the tree of `old_size` to that of `size`; old_size <= size.
[[nodiscard]] Result<std::vector<Hash>> consistency_proof(std::uint64_t old_size,
                                                          std::uint64_t size,
                                                          const NodeSource& nodes);

[[nodiscard]] bool verify_inclusion(const Hash& leaf, std::uint64_t index, std::uint64_t size,
                                    std::span<const Hash> proof, const Hash& root);
[[nodiscard]] bool verify_consistency(std::uint64_t old_size, std::uint64_t size,
                                      std::span<const Hash> proof, const Hash& old_root,
                                      const Hash& root);

/// One proof for many leaves. Level by level from the leaves up, each known node (ascending) is
/// paired with its sibling: a known one, or else the next hash of the proof; a last node without
/// sibling moves up unchanged. A script can check this with a few batches of hashing.
struct IndexedHash {
  std::uint64_t index = 0;
  Hash hash{};
};
/// `indices` ascending, distinct, below `size`.
[[nodiscard]] Result<std::vector<Hash>> multi_proof(std::vector<std::uint64_t> indices,
                                                    std::uint64_t size, const NodeSource& nodes);
/// The root that leaves and proof lead to; nothing if the proof is too short, too long or
/// unordered.
[[nodiscard]] std::optional<Hash> multi_root(std::vector<IndexedHash> leaves, std::uint64_t size,
                                             std::span<const Hash> proof);

}  // namespace rollcall::store::inline tlog::merkle
