// What the options before a command say, to whatever runs for it.
#pragma once

#include "store/log/layout.h"

#include <filesystem>
#include <string>
#include <vector>

namespace rollcall::cli {

/// The options before the command, and what they mean.
struct Context {
  std::string data;
  std::string app;
  std::string output = "short";
  std::string fields;
  std::string reason, ticket;
  std::string url, token_file;  ///< a running server instead of a store; cli/served.h sets it too
  bool quiet = false;
  bool verbose = false;
  bool no_pager = false;
  bool accept_clock = false;  ///< the wall is right, however far ahead of the log
  bool output_given = false;  ///< -o was: `output` is what the caller wants, not what is usual
  std::vector<std::string> arguments;  ///< of the program, as they were given

  /// --data, else ROLLCALL_DATA, else ./rollcall-data.
  [[nodiscard]] std::filesystem::path data_folder() const;
  /// The app's store in it; a Failure where --url names a server instead.
  [[nodiscard]] store::Layout layout() const;
};

}  // namespace rollcall::cli
