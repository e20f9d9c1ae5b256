// The part of full verification that is about the files beside the log: each is whole, or named.
//
// Why this file exists: a log that verifies says nothing of the key that signs it tomorrow, of the
// list that an erasure goes by, or of the witnesses that are asked. One flipped byte in any of them
// is found here, while the log still stands.
#pragma once

#include "replay/reader.h"

namespace rollcall::replay {

/// One sentence for each damaged file, with its name.
[[nodiscard]] std::vector<std::string> damaged_files(const Reader& reader);

}  // namespace rollcall::replay
