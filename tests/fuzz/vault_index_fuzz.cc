// The vault's index: any bytes, and any bytes under a MAC and sums that fit them.
#include "store/vault/vault_index.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace rollcall::store;
  const Key key{7};
  Bytes file(data, data + size);
  const auto ask = [&] {
    (void)VaultIndex::app_place(file);
    const auto index = VaultIndex::open(file, key);
    if (!index) return;
    (void)index->fits(file);
    (void)index->whole();
    for (const std::uint32_t number : {0U, 1U, 2U, 3U, 1000U, ~0U}) (void)index->place_of(number);
    for (const std::uint64_t hash : {std::uint64_t{0}, std::uint64_t{1} << 63, ~std::uint64_t{0}})
      (void)index->numbers_of(hash);
    if (const auto names = index->names())
      for (const auto& entry : *names) (void)index->numbers_of(entry.hash);
    (void)index->epochs();
    (void)index->erased();
    (void)index->covers();
  };
  ask();
  VaultIndex::seal(file, key);
  ask();
  return 0;
}
