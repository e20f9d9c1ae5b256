// A library that is loaded when it is first needed, not at every start.
//
// Why this file exists: libcurl and libarchive bring some forty libraries with them, whose loading
// costs more CPU than answering most questions; few commands need either. What they declare is kept
// (their headers, checked by the compiler); only the addresses come later.
#pragma once

#include "store/bytes/errc.h"

#include <initializer_list>

namespace rollcall::store::inline bytes {

/// One function of a library: its name, and the pointer that is to hold its address.
struct LibraryFunction {
  const char* name;
  void** into;
};

/// Fills in all of them; the library stays loaded. An error says that it is not installed, or lacks
/// one of them.
[[nodiscard]] Result<void> load_library(const char* file,
                                        std::initializer_list<LibraryFunction> functions);

}  // namespace rollcall::store::inline bytes
