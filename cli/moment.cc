// --since and --until.
#include "cli/moment.h"

#include "cli/command.h"
#include "replay/question/question.h"

namespace rollcall::cli {

void check_range(const std::optional<std::string>& since, const std::optional<std::string>& until) {
  if (const auto fine = replay::check_range(since, until); !fine)
    usage_error("--" + fine.error().detail);
}

}  // namespace rollcall::cli
