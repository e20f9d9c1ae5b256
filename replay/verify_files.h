// The part of full verification about the files beside the log: each is intact, or named.
//
// Why this file exists: an intact log says nothing about the key that signs it tomorrow, the list
// of erasures, or the list of witnesses. A flipped byte in any of them is found here, although the
// log itself verifies.
#pragma once

#include "replay/reader.h"

namespace rollcall::replay {

/// One sentence for each damaged file, with its name.
[[nodiscard]] std::vector<std::string> damaged_files(const Reader& reader);

}  // namespace rollcall::replay
