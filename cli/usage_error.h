// A command line that contradicts itself, or names what there is not.
#pragma once

#include <stdexcept>
#include <string>

namespace rollcall::cli {

/// What ends a command with exit 2: its own words contradict each other or name what there is not.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};
/// Throws what ends a command with exit 2.
[[noreturn]] void usage_error(const std::string& sentence);

}  // namespace rollcall::cli
