// Signed queries: the text that is signed says the parameters that are read, and no others.
#include "net/wire/pusher_signature.h"

#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace rollcall::net;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto query = parse_query(text);
  if (!query) return 0;
  const auto read = canonical(*query);
  if (!read) return 0;
  // Who sees the signed text alone, and knows that it is name=value joined by &, reads the same.
  std::string signed_part = signed_text("GET", "/", *read).substr(6);
  Parameters again;
  std::string last;
  while (!signed_part.empty()) {
    const std::size_t amp = std::min(signed_part.find('&'), signed_part.size());
    const std::string piece = signed_part.substr(0, amp);
    signed_part.erase(0, amp + 1);
    const std::size_t equals = piece.find('=');
    if (equals == std::string::npos) {  // no parameter: the value before it goes on
      if (last.empty()) __builtin_trap();
      again[last] += "&" + piece;
      continue;
    }
    last = piece.substr(0, equals);
    if (!again.emplace(last, piece.substr(equals + 1)).second) __builtin_trap();
  }
  Parameters told = *read;
  told.erase("auth_signature");
  // A trailing & of a value leaves no piece behind it.
  for (auto& [name, value] : told)
    if (again.contains(name) && again[name] != value && again[name] + "&" != value)
      __builtin_trap();
  if (again.size() != told.size()) __builtin_trap();
  return 0;
}
