// RFC 6962 trees against known answers, and every proof of small trees with every damage.
#include "store/tlog/merkle.h"

#include "store/bytes/crypto.h"
#include "tests/support/scratch.h"

#include <catch2/catch.hpp>

using namespace rollcall::store;

namespace {

/// The classic eight leaves of Certificate Transparency's tests.
const std::vector<std::string> kCtLeaves{"",
                                         "00",
                                         "10",
                                         "2021",
                                         "3031",
                                         "40414243",
                                         "5051525354555657",
                                         "606162636465666768696a6b6c6d6e6f"};

std::vector<Hash> ct_hashes() {
  std::vector<Hash> out;
  for (const auto& leaf : kCtLeaves) out.push_back(merkle::leaf_hash(*from_hex(leaf)));
  return out;
}

std::vector<Hash> numbered(std::size_t n) {
  std::vector<Hash> out;
  for (std::size_t i = 0; i < n; ++i) {
    Bytes b;
    put_be64(b, i);
    out.push_back(merkle::leaf_hash(b));
  }
  return out;
}

merkle::NodeSource source(const std::vector<Hash>& leaves) { return merkle::nodes_of(leaves); }

/// Every proof made from `proof` by one change: a byte, a hash dropped, a hash added.
std::vector<std::vector<Hash>> damaged(const std::vector<Hash>& proof) {
  std::vector<std::vector<Hash>> out;
  for (std::size_t i = 0; i < proof.size(); ++i) {
    auto changed = proof;
    changed[i][i % 32] ^= 0x20;
    out.push_back(changed);
    auto dropped = proof;
    dropped.erase(dropped.begin() + static_cast<std::ptrdiff_t>(i));
    out.push_back(dropped);
  }
  for (std::size_t i = 0; i <= proof.size(); ++i) {
    auto added = proof;
    added.insert(added.begin() + static_cast<std::ptrdiff_t>(i), Hash{});
    out.push_back(added);
  }
  return out;
}

}  // namespace

TEST_CASE("roots of the classic eight leaves are the known ones", "[store]") {
  const std::vector<std::string> roots{
      "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
      "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
      "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
      "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
      "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
      "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
      "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
      "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
      "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"};
  const auto leaves = ct_hashes();
  merkle::CompactRange range;
  for (std::size_t n = 0; n < roots.size(); ++n) {
    CHECK(hex(range.root()) == roots[n]);
    CHECK(hex(merkle::root(n, source(leaves)).value()) == roots[n]);
    if (n < leaves.size()) range.append(leaves[n]);
  }
}

TEST_CASE("paths of the classic eight leaves are the known ones", "[store]") {
  const auto leaves = ct_hashes();
  const auto texts = [](const std::vector<Hash>& proof) {
    std::vector<std::string> out;
    for (const auto& h : proof) out.push_back(hex(h));
    return out;
  };
  CHECK(
      texts(merkle::inclusion_proof(0, 8, source(leaves)).value()) ==
      std::vector<std::string>{"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                               "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                               "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"});
  CHECK(
      texts(merkle::inclusion_proof(5, 8, source(leaves)).value()) ==
      std::vector<std::string>{"bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
                               "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                               "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"});
  CHECK(
      texts(merkle::consistency_proof(6, 8, source(leaves)).value()) ==
      std::vector<std::string>{"0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
                               "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                               "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"});
  CHECK(
      texts(merkle::consistency_proof(2, 5, source(leaves)).value()) ==
      std::vector<std::string>{"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                               "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"});
}

TEST_CASE("all trees up to 70 leaves: every inclusion proof verifies, and no damaged one",
          "[store]") {
  const auto leaves = numbered(70);
  for (std::uint64_t n = 1; n <= 70; ++n) {
    const Hash root = merkle::root(n, source(leaves)).value();
    for (std::uint64_t m = 0; m < n; ++m) {
      const auto proof = merkle::inclusion_proof(m, n, source(leaves)).value();
      REQUIRE(merkle::verify_inclusion(leaves[m], m, n, proof, root));
      REQUIRE_FALSE(merkle::verify_inclusion(leaves[(m + 1) % 70], m, n, proof, root));
      REQUIRE_FALSE(merkle::verify_inclusion(leaves[m], n, n, proof, root));
      for (const auto& bad : damaged(proof))
        REQUIRE_FALSE(merkle::verify_inclusion(leaves[m], m, n, bad, root));
    }
  }
}

TEST_CASE("all trees up to 70 leaves: every consistency proof verifies, and no damaged one",
          "[store]") {
  const auto leaves = numbered(70);
  std::vector<Hash> roots;
  for (std::uint64_t n = 0; n <= 70; ++n) roots.push_back(merkle::root(n, source(leaves)).value());
  for (std::uint64_t n = 1; n <= 70; ++n) {
    for (std::uint64_t m = 1; m <= n; ++m) {
      const auto proof = merkle::consistency_proof(m, n, source(leaves)).value();
      REQUIRE(merkle::verify_consistency(m, n, proof, roots[m], roots[n]));
      if (m < n) REQUIRE_FALSE(merkle::verify_consistency(m, n, proof, roots[m - 1], roots[n]));
      for (const auto& bad : damaged(proof))
        REQUIRE_FALSE(merkle::verify_consistency(m, n, bad, roots[m], roots[n]));
    }
  }
}

TEST_CASE("one proof for many leaves leads to the root, and no damaged one does",
          "[store][property]") {
  const std::uint64_t seed = rollcall::test::test_seed();
  INFO("reproduce with ROLLCALL_SEED=" << seed);
  std::mt19937_64 rng{seed};
  const auto leaves = numbered(300);
  for (int round = 0; round < 200; ++round) {
    const std::uint64_t n = 1 + rollcall::test::below(rng, 300);
    const Hash root = merkle::root(n, source(leaves)).value();
    std::vector<std::uint64_t> indices;
    for (std::uint64_t i = 0; i < n; ++i) {
      if (rollcall::test::below(rng, 5) == 0) indices.push_back(i);
    }
    if (indices.empty()) indices.push_back(rollcall::test::below(rng, n));
    std::vector<merkle::IndexedHash> known;
    for (const auto i : indices) known.push_back({i, leaves[i]});
    const auto proof = merkle::multi_proof(indices, n, source(leaves)).value();
    REQUIRE(merkle::multi_root(known, n, proof) == root);
    for (const auto& bad : damaged(proof)) {
      const auto reached = merkle::multi_root(known, n, bad);
      REQUIRE((!reached || *reached != root));
    }
    known[0].hash[0] ^= 1;
    REQUIRE(merkle::multi_root(known, n, proof) != root);
  }
}
