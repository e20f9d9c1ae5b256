// --since and --until.
#include "cli/moment.h"

#include "cli/command.h"
#include "replay/question/question.h"
#include "store/log/event_clock.h"

#include <fmt/format.h>

namespace rollcall::cli {

void check_range(const std::optional<std::string>& since, const std::optional<std::string>& until) {
  if (!since || !until) return;
  const auto now = store::wall_now();
  const auto from = replay::parse_time(*since, now).value();
  const auto to = replay::parse_time(*until, now).value();
  if (from.index() == to.index() && to < from)
    usage_error(fmt::format("--until {} is before --since {}", *until, *since));
}

}  // namespace rollcall::cli
