// Typed confirmation.
#include "cli/confirm.h"

#include "store/bytes/errc.h"

#include <fmt/format.h>
#include <unistd.h>

#include <iostream>

namespace rollcall::cli {

void confirm(const std::string& what, const std::string& subject, bool yes) {
  if (yes) return;
  if (::isatty(STDIN_FILENO) != 1)
    throw store::Failure(
        {store::Errc::Refused,
         "not confirmed: there is no terminal to ask at, and --yes was not given"});
  fmt::print(stderr, "Cannot be undone. Type {} to confirm: ", what);
  std::string typed;
  std::getline(std::cin, typed);
  if (typed != subject)
    throw store::Failure({store::Errc::Refused, "not confirmed: nothing was changed"});
}

}  // namespace rollcall::cli
