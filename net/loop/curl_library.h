// libcurl's functions as this program calls them, loaded with the first request that goes out
// (store/bytes/shared_library.h says why). Inside rollcall::net their names are pointers of the
// same types, which hide the library's own.
#pragma once

#include "store/bytes/errc.h"

#include <curl/curl.h>

// Checks of arguments by macro, which would call the library's own functions.
#undef curl_easy_setopt
#undef curl_easy_getinfo

// X(name): each function that is called.
#define ROLLCALL_CURL_FUNCTIONS(X) \
  X(curl_easy_cleanup)             \
  X(curl_easy_getinfo)             \
  X(curl_easy_init)                \
  X(curl_easy_setopt)              \
  X(curl_easy_strerror)            \
  X(curl_global_init)              \
  X(curl_multi_add_handle)         \
  X(curl_multi_cleanup)            \
  X(curl_multi_info_read)          \
  X(curl_multi_init)               \
  X(curl_multi_perform)            \
  X(curl_multi_poll)               \
  X(curl_multi_remove_handle)      \
  X(curl_multi_wakeup)             \
  X(curl_slist_append)             \
  X(curl_slist_free_all)

namespace rollcall::net::inline loop {

#define ROLLCALL_DECLARE(name) extern decltype(&::name) name;
ROLLCALL_CURL_FUNCTIONS(ROLLCALL_DECLARE)
#undef ROLLCALL_DECLARE

/// Before any of them is called. The first call loads; all get its result.
[[nodiscard]] const store::Result<void>& load_curl();

}  // namespace rollcall::net::inline loop
