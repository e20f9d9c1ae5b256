// This very program in a process of its own, on an app's store: what is heavy or may fail costs
// the server nothing.
#pragma once

#include "store/errc.h"
#include "store/layout.h"

#include <sys/types.h>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace rollcall::net {

struct Child {
  pid_t pid = -1;
  int out = -1, err = -1;  ///< its output's ends, ours to close: follow_child() does
};

/// `rollcall ARGUMENTS` on the store; it does not log its reading again. Behind everything else
/// where `nice`.
[[nodiscard]] store::Result<Child> start_child(const store::Layout& layout,
                                               const std::vector<std::string>& arguments,
                                               bool nice = false);

/// Until it ends: gives its output on, asks `go_on` at least twice a second, and ends it where that
/// says no. Its exit code.
[[nodiscard]] int follow_child(
    Child child, const std::function<bool()>& go_on,
    const std::function<void(bool error, std::string_view bytes)>& output);

}  // namespace rollcall::net
