// add-checkpoint requests: any body gets one of the protocol's answers.
#include "store/tlog/witness.h"

#include <cstdlib>
#include <filesystem>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace rollcall;
  static store::Witness witness(
      std::filesystem::temp_directory_path() / "rollcall-witness-fuzz",
      {"witness.fuzz/w", store::note::Algorithm::Cosignature, store::Key{}},
      {store::note::Verifier::parse(
           "rollcall.example/log1+42b02609+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4")
           .value()});
  const auto reply = witness.add_checkpoint({reinterpret_cast<const char*>(data), size}, 1);
  switch (reply.status) {
    case 200:
    case 400:
    case 403:
    case 404:
    case 409:
    case 422:
    case 500:
      return 0;  // 500: the folder is not there, which is on purpose: nothing is to be written
    default:
      std::abort();
  }
}
