// Dependencies point one way: what the build checks of every folder, tried on arrows drawn
// backwards.
#include "tests/support/scratch.h"

#include <catch2/catch.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

using namespace rollcall;

namespace {

/// What `cmake/check_includes.cmake` says of a folder whose one file has this include; empty if it
/// is content. `may`: the modules that the folder may include, separated by semicolons.
std::string complaint(const std::string& folder, const std::string& may,
                      const std::string& include) {
  const test::Scratch scratch;
  const auto root = scratch.path() / "tree";
  std::filesystem::create_directories(root / folder);
  std::ofstream(root / folder / "x.cc") << "#include \"" << include << "\"\n";
  const auto said = scratch.path() / "said";
  const std::string command = "cmake '-DROOT=" + root.string() + "' '-DFOLDER=" + folder +
                              "' '-DMAY=" + may + "' '-DSTAMP=" + (root / "stamp").string() +
                              "' -P '" ROLLCALL_SOURCE_DIR "/cmake/check_includes.cmake' >'" +
                              said.string() + "' 2>&1";
  const int status = std::system(command.c_str());
  std::stringstream text;
  text << std::ifstream(said).rdbuf();
  INFO(text.str());
  CHECK((status == 0) == std::filesystem::exists(root / "stamp"));
  return status == 0 ? std::string() : text.str();
}

}  // namespace

TEST_CASE("a folder that includes against an arrow does not build", "[engine]") {
  CHECK(complaint("engine", "", "engine/event.h").empty());
  CHECK(complaint("store/log", "store_tlog;store_bytes;engine", "store/bytes/files.h").empty());

  const auto up = complaint("store/bytes", "engine", "store/log/log.h");
  CHECK(up.find("store/log/log.h") != std::string::npos);  // its sentence may be wrapped
  CHECK_FALSE(complaint("engine", "", "store/bytes/bytes.h").empty());
  CHECK_FALSE(
      complaint("net/hub", "net_access;net_loop;net_wire;store_bytes;engine", "net/presence/app.h")
          .empty());
  CHECK_FALSE(complaint("net/wire", "store_bytes;engine", "../hub/hub.h").empty());
}
