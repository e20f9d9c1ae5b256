// Bundles: a text of "name\n length bytes" pieces becomes a bundle's files; none of them verifies
// under a key that nobody holds, and none ends the program.
#include "replay/bundle.h"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace rollcall;
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  replay::BundleFiles files;
  while (!rest.empty()) {
    const auto end = rest.find('\n');
    if (end == std::string_view::npos) break;
    const std::string name(rest.substr(0, end));
    rest.remove_prefix(end + 1);
    const auto stop = rest.find("\n%%\n");
    files[name] = std::string(rest.substr(0, stop));
    rest.remove_prefix(stop == std::string_view::npos ? rest.size() : stop + 4);
  }
  store::PolicyFile nobody;
  nobody.logs.push_back(
      {store::note::Signer{"fuzz", store::note::Algorithm::Ed25519, store::Key{}}.verifier(), ""});
  if (replay::verify_bundle(files, nobody)) std::abort();
  (void)replay::verify_bundle(files, std::nullopt);
  return 0;
}
