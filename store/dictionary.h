// The shipped compression dictionaries: invented text, versioned, never trained on people's data
// (a trained one would hold their words in the clear and survive every erasure).
#pragma once

#include <string_view>

namespace rollcall::store {

/// Frozen: bodies in the field were compressed with exactly these bytes.
[[nodiscard]] std::string_view dictionary_v1();

}  // namespace rollcall::store
