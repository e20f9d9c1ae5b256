// Where the store is.
#include "cli/context.h"

#include "cli/usage_error.h"
#include "store/bytes/errc.h"

#include <cstdlib>

namespace rollcall::cli {

std::filesystem::path Context::data_folder() const {
  if (!data.empty()) return data;
  const char* env = std::getenv("ROLLCALL_DATA");
  return env != nullptr && *env != '\0' ? env : "rollcall-data";
}

store::Layout Context::layout() const {
  // Never silently on another store than the one that was named.
  if (!url.empty())
    usage_error("this works on a store's folder (-d), not over --url or ROLLCALL_URL");
  return store::locate(data_folder(), app).value();
}

}  // namespace rollcall::cli
