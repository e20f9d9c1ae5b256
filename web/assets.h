// The page as it was built into this binary; empty where it was built without one.
#pragma once

#include "net/wire/asset.h"

namespace rollcall::web {

[[nodiscard]] net::Assets assets();

}  // namespace rollcall::web
