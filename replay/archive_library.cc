// Finding libarchive's functions.
#include "replay/archive_library.h"

#include "store/bytes/shared_library.h"

namespace rollcall::replay {

#define ROLLCALL_DEFINE(name) decltype(&::name) name = nullptr;
ROLLCALL_ARCHIVE_FUNCTIONS(ROLLCALL_DEFINE)
#undef ROLLCALL_DEFINE

const store::Result<void>& load_archive() {
  static const store::Result<void> loaded =
      store::load_library(ROLLCALL_ARCHIVE_FILE, {
#define ROLLCALL_ENTRY(name) {#name, reinterpret_cast<void**>(&name)},
                                                     ROLLCALL_ARCHIVE_FUNCTIONS(ROLLCALL_ENTRY)
#undef ROLLCALL_ENTRY
                                                 });
  return loaded;
}

}  // namespace rollcall::replay
