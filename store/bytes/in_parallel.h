// Work on a second thread, if the system has one.
//
// Why this file exists: std::async throws if the system has no further thread (a limit, or no
// memory for a stack). That must not end a server: the caller that wants the result then does the
// work itself.
#pragma once

#include <future>
#include <system_error>
#include <utility>

namespace rollcall::store::inline bytes {

template <class Work>
[[nodiscard]] auto in_parallel(Work work) {
  try {
    return std::async(std::launch::async, work);
  } catch (const std::system_error&) {
    return std::async(std::launch::deferred, std::move(work));
  }
}

}  // namespace rollcall::store::inline bytes
