// Paged state digests.
#include "store/state_digest.h"

namespace rollcall::store {
namespace {

Hash page_hash(const engine::State& state, std::uint32_t page) {
  Bytes bytes;
  engine::write_page(state, page, bytes);
  return merkle::leaf_hash(bytes);
}

std::vector<Hash> page_hashes(const engine::State& state) {
  std::vector<Hash> out;
  for (std::uint32_t page = 0; page < engine::page_count(state); ++page) out.push_back(page_hash(state, page));
  return out;
}

Hash root_of(const std::vector<Hash>& pages) {
  merkle::CompactRange range;
  for (const Hash& page : pages) range.append(page);
  return range.root();
}

}  // namespace

Hash StateDigester::root(engine::State& state) {
  const std::uint32_t pages = engine::page_count(state);
  state.dirty_pages.resize(pages, 1);
  for (std::uint32_t page = 0; page < pages; ++page) {
    const bool known = page < pages_.size();
    if (known && state.dirty_pages[page] == 0) continue;
    if (!known) pages_.resize(page + 1);
    pages_[page] = page_hash(state, page);
    state.dirty_pages[page] = 0;
  }
  return root_of(pages_);
}

Hash digest_of(const engine::State& state) { return root_of(page_hashes(state)); }

PageProof prove_page(const engine::State& state, std::uint32_t page) {
  const std::vector<Hash> hashes = page_hashes(state);
  PageProof proof;
  proof.page = page;
  proof.pages = static_cast<std::uint32_t>(hashes.size());
  engine::write_page(state, page, proof.bytes);
  const merkle::NodeSource nodes = [&](merkle::NodeId id) -> Result<Hash> {
    std::vector<Hash> level(hashes.begin() + static_cast<std::ptrdiff_t>(id.index << id.level),
                            hashes.begin() + static_cast<std::ptrdiff_t>((id.index + 1) << id.level));
    while (level.size() > 1) {
      for (std::size_t i = 0; i < level.size() / 2; ++i) level[i] = merkle::node_hash(level[2 * i], level[2 * i + 1]);
      level.resize(level.size() / 2);
    }
    return level.front();
  };
  proof.path = merkle::inclusion_proof(page, proof.pages, nodes).value();
  return proof;
}

bool verify_page(const PageProof& proof, const Hash& root) {
  return merkle::verify_inclusion(merkle::leaf_hash(proof.bytes), proof.page, proof.pages, proof.path, root);
}

}  // namespace rollcall::store
