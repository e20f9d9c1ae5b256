// Paged state digests.
#include "store/log/state_digest.h"

namespace rollcall::store::inline log {
namespace {

Hash page_hash(const engine::State& state, std::uint32_t page) {
  Bytes bytes;
  engine::write_page(state, page, bytes);
  return merkle::leaf_hash(bytes);
}

std::vector<Hash> page_hashes(const engine::State& state) {
  std::vector<Hash> out;
  for (std::uint32_t page = 0; page < engine::page_count(state); ++page)
    out.push_back(page_hash(state, page));
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

PagesProof prove_pages(const engine::State& state, const std::vector<std::uint32_t>& pages) {
  const std::vector<Hash> hashes = page_hashes(state);
  PagesProof out;
  out.count = static_cast<std::uint32_t>(hashes.size());
  std::vector<std::uint64_t> indices;
  for (const std::uint32_t page : pages) {
    PagesProof::Page p{page, {}};
    engine::write_page(state, page, p.bytes);
    out.pages.push_back(std::move(p));
    indices.push_back(page);
  }
  out.proof = merkle::multi_proof(std::move(indices), out.count, merkle::nodes_of(hashes)).value();
  return out;
}

bool verify_pages(const PagesProof& proof, const Hash& root) {
  std::vector<merkle::IndexedHash> leaves;
  for (const auto& page : proof.pages)
    leaves.push_back({page.number, merkle::leaf_hash(page.bytes)});
  const auto reached = merkle::multi_root(std::move(leaves), proof.count, proof.proof);
  return reached && *reached == root;
}

}  // namespace rollcall::store::inline log
