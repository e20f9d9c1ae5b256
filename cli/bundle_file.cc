// Bundles and folders of files.
#include "cli/bundle_file.h"

#include "cli/output.h"
#include "store/bytes/files.h"

#include <fmt/format.h>

namespace rollcall::cli {

std::function<bool(const replay::BundleFile&)> BundleTaker::row() {
  return [this](const replay::BundleFile& file) {
    replay::take_file(file, files_).value();
    return true;
  };
}

void BundleTaker::write_quietly(const std::string& out) const {
  replay::write_bundle(files_, out).value();
}

void BundleTaker::write(const std::string& out) const {
  write_quietly(out);
  if (out != "-") fmt::print("{}\n", printable(out));
}

std::function<bool(const replay::BundleFile&)> rows_into(const std::string& folder) {
  return [root = std::filesystem::absolute(folder)](const replay::BundleFile& file) {
    replay::BundleFiles one;
    replay::take_file(file, one).value();
    const auto path = root / file.path;
    // A tile of a path never changes: what is there stays, as does what a server made of it.
    if (file.path.starts_with("tile/") && store::present(path)) return true;
    store::make_directories(path.parent_path()).value();
    store::replace_file(path, one.begin()->second).value();
    return true;
  };
}

}  // namespace rollcall::cli
