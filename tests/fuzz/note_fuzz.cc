// Signed notes, checkpoints, verifier keys: what parses renders to itself.
#include "store/tlog/note.h"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace rollcall::store;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto parsed = note::parse(text)) {
    if (note::render(*parsed) != text) std::abort();
    if (const auto checkpoint = note::parse_checkpoint(parsed->text)) {
      if (!parsed->text.starts_with(note::render(*checkpoint))) std::abort();
    }
  }
  if (const auto key = note::Verifier::parse(text)) {
    if (key->vkey() != text) std::abort();
  }
  (void)note::Signer::parse(text);
  return 0;
}
