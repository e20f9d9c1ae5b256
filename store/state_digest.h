// The digest of a state: an RFC 6962 root over pages of 64 users' records, and proofs of one page.
//
// Why this file exists: a StateDigest in the log pins every user's last seq and sessions, so one page
// with its path proves where a user's chain ends, and two runs that differ find the page where.
#pragma once

#include "engine/state.h"
#include "store/merkle.h"

namespace rollcall::store {

/// Keeps the pages' hashes; only dirty pages are hashed again.
class StateDigester {
 public:
  /// Root over `state`'s pages; clears the dirty marks it has seen.
  [[nodiscard]] Hash root(engine::State& state);

 private:
  std::vector<Hash> pages_;
};

struct PageProof {
  std::uint32_t page = 0;
  std::uint32_t pages = 0;
  Bytes bytes;
  std::vector<Hash> path;
};

[[nodiscard]] Hash digest_of(const engine::State& state);
[[nodiscard]] PageProof prove_page(const engine::State& state, std::uint32_t page);
[[nodiscard]] bool verify_page(const PageProof& proof, const Hash& root);

}  // namespace rollcall::store
