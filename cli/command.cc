// The command line over CLI11.
#include "cli/command.h"

#include "cli/remote.h"
#include "store/errc.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <set>

namespace rollcall::cli {

namespace {

enum class Kept : std::uint8_t { Words, File, Folder };  ///< what an option names

/// What the parser does not know about its options and commands.
struct Notes {
  std::map<const CLI::Option*, Kept> options;
  std::set<const CLI::App*> travelling;
};

/// Options that say where, as whom and why: of this process alone.
constexpr std::array<std::string_view, 8> kHere{"data",   "app",    "url",      "token-file",
                                                "reason", "ticket", "no-pager", "version"};

/// The commands that were given, from the first to the last.
std::vector<const CLI::App*> chain_of(const CLI::App& root) {
  std::vector<const CLI::App*> out{&root};
  while (true) {
    const auto below = out.back()->get_subcommands();
    if (below.empty()) return out;
    out.push_back(below.front());
  }
}

/// Fills context.question and context.files from what was parsed.
void note_question(const CLI::App& root, const Notes& notes, Context& context) {
  const auto chain = chain_of(root);
  std::vector<std::string> behind;
  for (const auto* app : chain)
    if (app != &root) context.question.push_back(app->get_name());
  for (const auto* app : chain) {
    for (const auto* option : app->get_options()) {
      if (option->count() == 0) continue;
      const auto it = notes.options.find(option);
      const Kept kept = it == notes.options.end() ? Kept::Words : it->second;
      const bool positional = option->get_positional();
      const std::string name = positional                     ? option->get_name(true)
                               : option->get_lnames().empty() ? option->get_name()
                                                              : option->get_lnames().front();
      if (!positional && std::find(kHere.begin(), kHere.end(), name) != kHere.end()) continue;
      if (kept == Kept::File) {
        context.files[name] = option->reduced_results().front();
        if (positional) behind.emplace_back("-");
        continue;
      }
      if (option->get_expected_max() == 0) {
        context.question.push_back("--" + name);
        continue;
      }
      for (const auto& value : option->reduced_results()) {
        if (positional)
          behind.push_back(value);
        else
          context.question.push_back("--" + name + "=" + value);
      }
    }
  }
  if (behind.empty()) return;
  context.question.emplace_back("--");
  context.question.insert(context.question.end(), behind.begin(), behind.end());
}

/// On somebody else's errand: only commands that are made for it, and no file, whatever the words
/// were. The server's own list (net/question.h) lets none through; this does not rely on it.
void check_errand(const CLI::App& root, const Notes& notes, const Context& context) {
  const auto refuse = [](const std::string& what) {
    throw store::Failure({store::Errc::NotPermitted, what + " does not work for others"});
  };
  const auto chain = chain_of(root);
  if (!notes.travelling.contains(chain.back())) refuse("this command");
  if (!context.url.empty() || !context.token_file.empty()) refuse("another server");
  for (const auto* app : chain) {
    for (const auto* option : app->get_options()) {
      const auto it = notes.options.find(option);
      if (option->count() == 0 || it == notes.options.end()) continue;
      const auto values = option->reduced_results();
      const bool stream = values.size() == 1 && values.front() == "-";
      if (it->second == Kept::File && !stream) refuse(option->get_name() + " with a file");
      if (it->second == Kept::Folder && !context.errand->folders)
        refuse(option->get_name() + " with a folder");
    }
  }
}

}  // namespace

struct Command::Impl {
  CLI::App* app = nullptr;
  std::shared_ptr<Notes> notes;
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
Command& Command::file(const std::string& names, std::string& into, const std::string& help) {
  impl_->notes->options[impl_->app->add_option(names, into, help)] = Kept::File;
  return *this;
}
Command& Command::file_positional(const std::string& name, std::string& into,
                                  const std::string& help) {
  impl_->notes->options[impl_->app->add_option(name, into, help)->required()] = Kept::File;
  return *this;
}
Command& Command::folder(const std::string& names, std::string& into, const std::string& help) {
  impl_->notes->options[impl_->app->add_option(names, into, help)] = Kept::Folder;
  return *this;
}
Command& Command::folder_positional(const std::string& name, std::string& into,
                                    const std::string& help) {
  impl_->notes->options[impl_->app->add_option(name, into, help)->required()] = Kept::Folder;
  return *this;
}
Command& Command::travels() {
  impl_->notes->travelling.insert(impl_->app);
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
  travels();
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
  impl->notes = std::make_shared<Notes>();
  Context context;
  context.arguments.assign(argv, argv + argc);
  if (argc > 0 && argv[0] == net::kErrandName) {
    context.errand = net::take_errand();
    if (!context.errand) {
      std::fprintf(stderr, "rollcall: there is no errand to run\n");
      return 1;
    }
    constexpr int kBefore = 4;  // the name, --data=, --app=, --no-pager: net/child.cc
    context.asked.assign(argv + std::min(kBefore, argc), argv + argc);
  }
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
    if (context.errand)
      check_errand(*root, *impl->notes, context);
    else
      note_question(*root, *impl->notes, context);
    return (*impl->chosen)(context);
  } catch (const store::Failure& failure) {
    std::fflush(stdout);
    std::fprintf(stderr, "rollcall: %s\n", failure.what());
    return store::exit_code(failure.error().code);
  } catch (const std::bad_alloc&) {
    std::fprintf(stderr, "rollcall: this needs more memory than there may be: ask for less\n");
    return 1;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "rollcall: %s\n", error.what());
    return 1;
  }
}

}  // namespace rollcall::cli
