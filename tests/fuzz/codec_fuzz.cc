// Log records, bodies, compressed bodies, state pages: any bytes give an answer.
#include "engine/reducer.h"
#include "store/log/codec.h"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace rollcall;
  const store::ByteView bytes(data, size);
  if (const auto record = store::RecordView::open(bytes)) {
    engine::State state;
    std::vector<engine::Transition> transitions;
    for (std::size_t i = 0; i < record->count(); ++i)
      engine::apply(state, record->header(i), transitions);
  }
  (void)store::decode_body(bytes);
  (void)store::decompress_body(bytes, 1, size * 3);
  (void)engine::find_user_record(bytes, size % 2, 1);
  return 0;
}
