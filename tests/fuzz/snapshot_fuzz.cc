// Snapshots: a page that reads writes itself again; a whole file, with the digest that fits it.
#include "store/bytes/crypto.h"
#include "store/log/snapshot.h"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace rollcall;
  const store::ByteView bytes(data, size);
  engine::State state;
  if (engine::read_page(state, 0, bytes)) {
    std::vector<std::uint8_t> again;
    engine::write_page(state, 0, again);
    if (again != std::vector<std::uint8_t>(bytes.begin(), bytes.end())) std::abort();
  }
  store::Bytes file(bytes.begin(), bytes.end());
  const store::Hash end = store::sha256({bytes});
  file.insert(file.end(), end.begin(), end.end());
  (void)store::parse_snapshot(file);
  return 0;
}
