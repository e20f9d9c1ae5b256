// Finding libcurl's functions.
#include "net/loop/curl_library.h"

#include "store/bytes/shared_library.h"

namespace rollcall::net::inline loop {

#define ROLLCALL_DEFINE(name) decltype(&::name) name = nullptr;
ROLLCALL_CURL_FUNCTIONS(ROLLCALL_DEFINE)
#undef ROLLCALL_DEFINE

const store::Result<void>& load_curl() {
  static const store::Result<void> loaded = [] {
    auto found = store::load_library(ROLLCALL_CURL_FILE, {
#define ROLLCALL_ENTRY(name) {#name, reinterpret_cast<void**>(&name)},
                                                             ROLLCALL_CURL_FUNCTIONS(ROLLCALL_ENTRY)
#undef ROLLCALL_ENTRY
                                                         });
    if (found) curl_global_init(CURL_GLOBAL_DEFAULT);
    return found;
  }();
  return loaded;
}

}  // namespace rollcall::net::inline loop
