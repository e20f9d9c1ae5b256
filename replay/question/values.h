// Times and lengths as JSON has them: RFC 3339 with microseconds, seconds as a decimal.
#pragma once

#include "replay/time_text.h"

#include <compare>

namespace rollcall::replay::inline question {

using engine::Micros;

struct Moment {
  Micros at = 0;
  auto operator<=>(const Moment&) const = default;
};

struct Seconds {
  Micros length = 0;
  auto operator<=>(const Seconds&) const = default;
};

}  // namespace rollcall::replay::inline question
