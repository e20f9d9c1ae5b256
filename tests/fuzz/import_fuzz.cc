// Import files: the checking pass answers any bytes, and writes nothing.
#include "replay/import.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>

namespace {

/// A folder of this process's own, gone when it ends.
struct Folder {
  Folder() { std::filesystem::remove_all(path); }
  ~Folder() {
    std::error_code ec;
    std::filesystem::remove_all(path, ec);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  const std::filesystem::path path = std::filesystem::temp_directory_path() /
                                     ("rollcall-import-fuzz-" + std::to_string(::getpid()));
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace rollcall;
  static const Folder folder;  // goes after the writer
  static const auto writer =
      store::Writer::create(store::locate(folder.path, "main").value(), "rollcall.fuzz/log")
          .value();
  (void)replay::import_ndjson(*writer, {reinterpret_cast<const char*>(data), size},
                              replay::DryRun::Yes, 1'768'471'200'000'000, nullptr);
  if (writer->log().last() != 0) std::abort();
  return 0;
}
