// WebSocket frames: any bytes, in any pieces.
#include "net/wire/frame.h"

#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace rollcall::net;
  std::vector<std::uint8_t> bytes(data, data + size);
  std::span<std::uint8_t> rest(bytes);
  Frame frame;
  while (!rest.empty() && parse_frame(rest, 70000, frame) == FrameFault::None) {
    if (frame.size == 0 || frame.size > rest.size() || frame.payload.size() > frame.size)
      __builtin_trap();
    if (frame.opcode == Opcode::Close) (void)close_code(frame.payload);
    rest = rest.subspan(frame.size);
  }
  return 0;
}
