// Caught where the command line is run (cli/command.cc).
#include "cli/usage_error.h"

namespace rollcall::cli {

void usage_error(const std::string& sentence) { throw UsageError(sentence); }

}  // namespace rollcall::cli
