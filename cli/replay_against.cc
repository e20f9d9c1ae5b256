// A search over roots: no event before the first difference is sent anywhere.
#include "cli/replay_against.h"

#include "cli/two_logs.h"

#include <fmt/format.h>

namespace rollcall::cli {

int replay_against(const Context& context, const std::string& other) {
  constexpr std::string_view kWhat = "replay against another log";
  LogSide history(context, kWhat), against(context, other, kWhat);
  const Compared compared = compare(history, against);
  if (compared.first) {
    fmt::print(stderr, "DIVERGED   seq {}\n", compared.first->of_a.header.seq);
    print_first(stderr, compared, "history", printable(against.name()));
    fmt::print(stderr, "{}\n",
               relation_of(compared, history, against, "history", printable(against.name())));
    return kDiverged;
  }
  if (!context.quiet)
    fmt::print(stderr, "{}\n",
               relation_of(compared, history, against, "history", printable(against.name())));
  return 0;
}

}  // namespace rollcall::cli
