// Moments, durations, base64, hex: any text gives a value or an error.
#include "replay/time_text.h"
#include "store/bytes/bytes.h"
#include "store/bytes/utf8.h"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace rollcall;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)replay::parse_time(text, 1'768'471'200'000'000);
  if (const auto at = replay::parse_rfc3339(text)) {
    const auto again = replay::parse_rfc3339(replay::rfc3339(*at));
    if (!again || *again != *at) std::abort();
  }
  if (const auto bytes = store::from_base64(text)) {
    if (store::base64(*bytes) != text) std::abort();
  }
  if (const auto bytes = store::from_base64url(text)) {
    if (store::base64url(*bytes) != text) std::abort();
  }
  if (store::valid_utf8(text)) (void)store::has_control_character(text);
  return 0;
}
