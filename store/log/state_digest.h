// The digest of a state: an RFC 6962 root over pages of 64 users' records, and proofs of one page.
//
// Why this file exists: a StateDigest in the log fixes every user's last seq and sessions. One page
// with its path proves where a user's chain ends, and two runs that differ can name the page
// in which they do.
#pragma once

#include "engine/state.h"
#include "store/tlog/merkle.h"

namespace rollcall::store::inline log {

/// Keeps the pages' hashes and recomputes only those of dirty pages.
class StateDigester {
 public:
  /// Root over `state`'s pages; clears the dirty marks it has seen.
  [[nodiscard]] Hash root(engine::State& state);

 private:
  std::vector<Hash> pages_;
};

/// Pages with one proof for all of them.
struct PagesProof {
  struct Page {
    std::uint32_t number = 0;
    Bytes bytes;
  };
  std::uint32_t count = 0;  ///< of all pages
  std::vector<Page> pages;  ///< ascending
  std::vector<Hash> proof;
};

[[nodiscard]] Hash digest_of(const engine::State& state);
[[nodiscard]] PagesProof prove_pages(const engine::State& state,
                                     const std::vector<std::uint32_t>& pages);
[[nodiscard]] bool verify_pages(const PagesProof& proof, const Hash& root);

}  // namespace rollcall::store::inline log
