// The command line over CLI11.
#include "cli/command.h"

#include "cli/remote.h"
#include "store/errc.h"

#include <CLI/CLI.hpp>

#include <cstdio>
#include <cstdlib>

namespace rollcall::cli {

struct Command::Impl {
  CLI::App* app = nullptr;
  std::shared_ptr<CLI::App> root;
  bool has_default = false;     ///< works without a subcommand
  std::shared_ptr<Run> chosen;  ///< of the command that was given
};

std::filesystem::path Context::data_folder() const {
  if (!data.empty()) return data;
  const char* env = std::getenv("ROLLCALL_DATA");
  return env != nullptr && *env != '\0' ? env : "rollcall-data";
}

store::Layout Context::layout() const {
  // Never silently on another store than the one that was named.
  if (!url.empty())
    throw store::Failure({store::Errc::BadInput,
                          "this works on a store's folder (-d), not over --url or ROLLCALL_URL"});
  return store::locate(data_folder(), app).value();
}

Command Command::command(const std::string& name, const std::string& summary) {
  auto impl = std::make_shared<Impl>(*impl_);
  impl->has_default = false;
  impl->app = impl_->app->add_subcommand(name, summary);
  impl->app->fallthrough();
  impl->app->option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  if (!impl_->has_default) impl_->app->require_subcommand(1);
  return Command(impl);
}

Command& Command::option(const std::string& names, std::string& into, const std::string& help) {
  impl_->app->add_option(names, into, help);
  return *this;
}
Command& Command::option(const std::string& names, std::uint64_t& into, const std::string& help) {
  impl_->app->add_option(names, into, help);
  return *this;
}
Command& Command::option(const std::string& names, std::vector<std::string>& into,
                         const std::string& help) {
  impl_->app->add_option(names, into, help)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->expected(1)
      ->delimiter(',');
  return *this;
}
Command& Command::required(const std::string& names, std::string& into, const std::string& help) {
  impl_->app->add_option(names, into, help)->required();
  return *this;
}
Command& Command::flag(const std::string& names, bool& into, const std::string& help) {
  impl_->app->add_flag(names, into, help);
  return *this;
}
Command& Command::positional(const std::string& name, std::string& into, const std::string& help) {
  impl_->app->add_option(name, into, help)->required();
  return *this;
}
Command& Command::optional_positional(const std::string& name, std::string& into,
                                      const std::string& help) {
  impl_->app->add_option(name, into, help);
  return *this;
}
Command& Command::positionals(const std::string& name, std::vector<std::string>& into,
                              const std::string& help) {
  impl_->app->add_option(name, into, help)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  return *this;
}
Command& Command::examples(const std::string& text) {
  impl_->app->footer("Examples:\n" + text);
  return *this;
}

void Command::run_default(Run run) {
  impl_->app->require_subcommand(0, 1);
  impl_->has_default = true;
  // The parser runs a command's callback before its subcommand's: the last one chosen wins.
  impl_->app->callback([app = impl_->app, chosen = impl_->chosen, run = std::move(run)] {
    if (app->get_subcommands().empty()) *chosen = run;
  });
}

void Command::run_here_or_there(Run run) {
  this->run([run = std::move(run)](Context& context) {
    return context.url.empty() ? run(context) : run_there(context);
  });
}

void Command::run(Run run) {
  impl_->app->callback([chosen = impl_->chosen, run = std::move(run)] { *chosen = run; });
}

int run_command_line(int argc, char** argv, const std::function<void(Command&)>& declare) {
  auto root =
      std::make_shared<CLI::App>("rollcall: who is here, who was, and proof of it", "rollcall");
  auto impl = std::make_shared<Command::Impl>();
  impl->app = root.get();
  impl->root = root;
  impl->chosen = std::make_shared<Command::Run>();
  Context context;
  context.arguments.assign(argv, argv + argc);
  root->set_version_flag("--version", std::string("rollcall ") + ROLLCALL_VERSION);
  root->add_option("-d,--data", context.data,
                   "the store's folder (default: $ROLLCALL_DATA, else ./rollcall-data)");
  root->add_option("--app", context.app, "which app of the store, where it holds several");
  root->add_option("-o,--output", context.output,
                   "short, wide, json, ndjson, csv, cat, activitylog4, activitylog5, owenit")
      ->check(CLI::IsMember({"short", "wide", "json", "ndjson", "csv", "cat", "raw", "activitylog4",
                             "activitylog5", "owenit"}));
  root->add_option("--fields", context.fields, "only these, separated by commas");
  root->add_option("--reason", context.reason, "why personal data is read: stored in the log");
  root->add_option("--ticket", context.ticket, "the case it belongs to: stored in the log");
  root->add_option("--url", context.url,
                   "a running server instead of a store, like http://127.0.0.1:8080")
      ->envname("ROLLCALL_URL");
  root->add_option("--token-file", context.token_file,
                   "its token (default: $ROLLCALL_TOKEN, else admin.token in the store's folder)");
  root->add_flag("-q,--quiet", context.quiet, "say nothing but the answer");
  root->add_flag("-v,--verbose", context.verbose, "say more on stderr: the range a moment came to");
  root->add_flag(
      "--accept-clock", context.accept_clock,
      "for what writes: the wall clock is right, though it is more than 400 days ahead of "
      "the log's last event");
  root->add_flag("--no-pager", context.no_pager, "never through a pager");
  root->footer(
      "Exit codes: 0 done, 1 error, 2 usage, 3 refused, 4 nothing matched, 5 conflict, 6 not "
      "permitted, 7 changes pending,\n"
      "10-12 cursor, 20 tampering proven, 21 verification incomplete, 22 replay diverged.\n"
      "`rollcall COMMAND --help` shows a command with examples.");
  Command top(impl);
  declare(top);
  try {
    root->parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = root->exit(error);
    return code == 0 ? 0 : 2;
  }
  try {
    return (*impl->chosen)(context);
  } catch (const store::Failure& failure) {
    std::fflush(stdout);
    std::fprintf(stderr, "rollcall: %s\n", failure.what());
    return store::exit_code(failure.error().code);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "rollcall: %s\n", error.what());
    return 1;
  }
}

}  // namespace rollcall::cli
