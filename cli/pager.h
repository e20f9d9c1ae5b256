// Long answers on a terminal go through a pager: $ROLLCALL_PAGER, $PAGER, else less -FRSX;
// without one if the variable is empty or less is missing.
#pragma once

#include "cli/command.h"

namespace rollcall::cli {

/// While it lives, stdout goes to the pager. Does nothing if stdout is not a terminal, with
/// --no-pager, or in a machine format. The destructor waits until the reader quits.
class Pager {
 public:
  explicit Pager(const Context& context);
  ~Pager();
  Pager(const Pager&) = delete;
  Pager& operator=(const Pager&) = delete;

 private:
  int pid_ = -1;
  int stdout_ = -1;  ///< the terminal, to be restored
};

}  // namespace rollcall::cli
