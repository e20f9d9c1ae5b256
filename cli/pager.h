// Long answers on a terminal go through a pager: $ROLLCALL_PAGER, $PAGER, else less -FRSX; through
// none where the variable is empty or less is not there.
#pragma once

#include "cli/command.h"

namespace rollcall::cli {

/// While it lives, stdout goes to the pager; nothing happens where stdout is no terminal, with
/// --no-pager, or in a machine's format. Its end waits for the reader to leave.
class Pager {
 public:
  explicit Pager(const Context& context);
  ~Pager();
  Pager(const Pager&) = delete;
  Pager& operator=(const Pager&) = delete;

 private:
  int pid_ = -1;
  int stdout_ = -1;  ///< the terminal, to be put back
};

}  // namespace rollcall::cli
