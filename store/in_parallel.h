// Work beside what goes on here, where there is a thread for it.
//
// Why this file exists: std::async throws where the system gives no further thread (a limit, or no
// memory for a stack). That must not end a server: the work is then done by whoever wants its
// result.
#pragma once

#include <future>
#include <system_error>
#include <utility>

namespace rollcall::store {

template <class Work>
[[nodiscard]] auto in_parallel(Work work) {
  try {
    return std::async(std::launch::async, work);
  } catch (const std::system_error&) {
    return std::async(std::launch::deferred, std::move(work));
  }
}

}  // namespace rollcall::store
