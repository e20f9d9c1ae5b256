// What a command is, without the parser: options bound to variables, examples, and a function to
// run.
//
// Why this file exists: each command lives in a file of its own and says what it takes; only
// command.cc knows CLI11, whose header costs seconds a file.
#pragma once

#include "cli/checks.h"
#include "cli/context.h"
#include "cli/usage_error.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace rollcall::cli {

class Command {
 public:
  using Run = std::function<int(Context&)>;
  struct Impl;
  explicit Command(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

  Command command(const std::string& name, const std::string& summary);  ///< a subcommand
  Command& option(const std::string& names, std::string& into, const std::string& help,
                  Check check = {});
  Command& option(const std::string& names, std::optional<std::string>& into,
                  const std::string& help, Check check = {});
  Command& option(const std::string& names, std::uint64_t& into, const std::string& help,
                  Check check = a_number());
  Command& option(const std::string& names, std::optional<std::uint64_t>& into,
                  const std::string& help, Check check = a_number());
  /// May be repeated, one word each time: for what may hold a comma, like names and files.
  Command& option(const std::string& names, std::vector<std::string>& into, const std::string& help,
                  Check check = {});
  /// May be repeated, or hold several separated by commas: for what cannot hold one.
  Command& list(const std::string& names, std::vector<std::string>& into, const std::string& help,
                Check check = {});
  Command& list(const std::string& names, std::vector<std::uint64_t>& into, const std::string& help,
                Check check = a_number());
  Command& required(const std::string& names, std::string& into, const std::string& help,
                    Check check = {});
  Command& flag(const std::string& names, bool& into, const std::string& help);
  Command& flag(const std::string& names, std::optional<bool>& into, const std::string& help);
  Command& positional(const std::string& name, std::string& into, const std::string& help,
                      Check check = {});
  Command& optional_positional(const std::string& name, std::string& into, const std::string& help,
                               Check check = {});
  Command& positionals(const std::string& name, std::vector<std::string>& into,
                       const std::string& help, Check check = {});
  /// The answer is rows with these members: it comes in every format of rows, and --fields chooses.
  /// Without it an answer is text of the command's own, and neither option applies.
  Command& rows(std::vector<std::string> members);
  /// The same where the formats are others, or where the members depend on the format.
  Command& formats(std::vector<std::string> formats,
                   std::function<std::vector<std::string>(const Context&)> members = {});
  /// What one option means for another: a usage_error where they contradict. Runs
  /// before the command, wherever that runs.
  Command& check(std::function<void(const Context&)> check);
  Command& examples(const std::string& text);
  void run(Run run);
  /// For a command that writes, on a store or, where Context::url says so, through a server: the
  /// server of the very store is one, where it has one.
  void run_writing(Run run);
  /// For a command that has subcommands and also works without one.
  void run_default(Run run);

 private:
  std::shared_ptr<Impl> impl_;
};

/// Parses and runs; the exit code of docs/cli.md.
int run_command_line(int argc, char** argv, const std::function<void(Command&)>& declare);

}  // namespace rollcall::cli
