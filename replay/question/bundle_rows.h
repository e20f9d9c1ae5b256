// Files of an answer as rows: a bundle, the tiles.
#pragma once

#include "replay/bundle.h"
#include "replay/question/question.h"

namespace rollcall::replay::inline question {

struct BundleFile {
  std::string path;     ///< in the bundle
  std::string content;  ///< base64: bytes
};
BOOST_DESCRIBE_STRUCT(BundleFile, (), (path, content))

/// False if the sink has had enough.
bool put_files(const BundleFiles& files, const RowSink<BundleFile>& row);
/// Adds a row to the files; an error if it is not base64 or its path leads out of the bundle.
[[nodiscard]] Result<void> take_file(const BundleFile& file, BundleFiles& files);

}  // namespace rollcall::replay::inline question
