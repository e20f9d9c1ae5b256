// The shipped compression dictionaries: invented text, versioned, never trained on users' data
// (a trained one would contain their words in plain text and survive every erasure).
#pragma once

#include <string_view>

namespace rollcall::store::inline log {

/// Frozen: bodies in the field were compressed with exactly these bytes.
[[nodiscard]] std::string_view dictionary_v1();

}  // namespace rollcall::store::inline log
