// Receipts: what parses renders to itself, and never verifies under a key that did not sign it.
#include "store/tlog/tlog_proof.h"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace rollcall::store;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto parsed = parse_tlog_proof(text)) {
    if (render(*parsed) != text) std::abort();
    static const std::array keys{note::Signer{"fuzz", note::Algorithm::Ed25519, Key{}}.verifier()};
    if (verify_tlog_proof(*parsed, parsed->extra, keys)) std::abort();
  }
  return 0;
}
