// dlopen(3).
#include "store/bytes/shared_library.h"

#include <dlfcn.h>
#include <fmt/format.h>

namespace rollcall::store::inline bytes {

Result<void> load_library(const char* file, std::initializer_list<LibraryFunction> functions) {
  const auto failed = [&] {
    const char* why = ::dlerror();
    return Error{Errc::Io, fmt::format("{} is needed for this and cannot be loaded: {}", file,
                                       why != nullptr ? why : "no reason was given")};
  };
  void* library = ::dlopen(file, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return failed();
  for (const auto& [name, into] : functions) {
    *into = ::dlsym(library, name);
    if (*into == nullptr) return failed();
  }
  return {};
}

}  // namespace rollcall::store::inline bytes
