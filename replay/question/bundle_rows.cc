// Base64 both ways.
#include "replay/question/bundle_rows.h"

#include "store/bytes/crypto.h"

namespace rollcall::replay::inline question {

bool put_files(const BundleFiles& files, const RowSink<BundleFile>& row) {
  for (const auto& [path, content] : files)
    if (!row({path, store::base64(store::as_bytes(content))})) return false;
  return true;
}

Result<void> take_file(const BundleFile& file, BundleFiles& files) {
  const auto bytes = store::from_base64(file.content);
  if (!bytes) return Error{Errc::BadInput, "the answer holds a file that is not base64"};
  const std::filesystem::path path(file.path);
  bool inside = !file.path.empty() && path.is_relative();
  for (const auto& part : path) inside = inside && part != "..";
  if (!inside) return Error{Errc::BadInput, "the answer holds a file outside its folder"};
  files[file.path] = std::string(store::as_text(*bytes));
  return {};
}

}  // namespace rollcall::replay::inline question
