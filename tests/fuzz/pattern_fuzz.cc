// Patterns of -g, searched for in themselves: what is refused says so in one short printable line.
#include "replay/pattern.h"
#include "store/bytes/printable.h"
#include "store/bytes/utf8.h"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace rollcall;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto pattern = replay::Pattern::compile(text)) {
    (void)pattern->found_in(text);
  } else {
    const std::string& said = pattern.error().detail;
    if (!store::valid_utf8(said) || store::printable(said) != said) std::abort();
    if (said.size() > 2000) std::abort();
  }
  return 0;
}
