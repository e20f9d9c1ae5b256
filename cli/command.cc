// The command line over CLI11.
#include "cli/command.h"

#include "cli/served.h"
#include "store/bytes/errc.h"
#include "store/bytes/printable.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <new>
#include <stdexcept>

namespace rollcall::cli {

namespace {

/// What there is to know about a command beside its options.
struct Spec {
  CLI::App* app = nullptr;
  std::vector<std::string> formats;
  std::function<std::vector<std::string>(const Context&)> members;
  std::vector<std::function<void(const Context&)>> checks;
};

struct Chosen {
  Command::Run run;
  std::shared_ptr<Spec> spec;
};

// CLI11 takes a word like [a,b] for a list of two. A name may be that: such words go to it behind a
// mark, which is taken off where they are read.
constexpr char kMark = '\x01';

std::string marked(const std::string& word) {
  const std::string_view rest =
      std::string_view(word).substr(std::min(word.find_first_not_of(kMark), word.size()));
  return rest.starts_with('[') && rest.ends_with(']') ? kMark + word : word;
}

std::string unmarked(const std::string& word) {
  const bool mark = word.size() > 1 && word.front() == kMark && marked(word.substr(1)) == word;
  return mark ? word.substr(1) : word;
}

/// Of "-S,--since": --since.
std::string shown_name(const std::string& names) {
  const auto dashes = names.find("--");
  return dashes == std::string::npos ? names : names.substr(dashes);
}

enum class Words { One, Many };
using Take = std::function<void(const std::string&)>;

/// Every option and positional goes through here: a word is checked, then kept.
CLI::Option* declare_word(CLI::App& app, const std::string& names, const std::string& help,
                          Words words, Check check, Take take) {
  const auto read = [name = shown_name(names), check = std::move(check),
                     take = std::move(take)](const CLI::results_t& given) {
    // Behind {} alone CLI11 puts %%, which means an empty list to it.
    const bool braces = given.size() == 2 && given[0] == "{}" && given[1] == "%%";
    for (std::size_t i = 0; i < (braces ? 1 : given.size()); ++i) {
      const std::string word = unmarked(given[i]);
      if (const std::string wrong = check ? check(word) : std::string(); !wrong.empty())
        throw CLI::ValidationError(name, wrong);
      take(word);
    }
    return true;
  };
  auto* option = app.add_option(names, read, help)->type_name("TEXT");
  if (words == Words::Many) option->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  return option;
}

Take into_number(std::uint64_t& into) {
  return [&into](const std::string& word) { (void)read_number(word, into); };
}

/// "audit stats".
std::string path_of(const CLI::App* app) {
  std::string out;
  for (; app != nullptr && app->get_parent() != nullptr; app = app->get_parent())
    out = app->get_name() + (out.empty() ? "" : " ") + out;
  return out;
}

/// The command that was given last: what stands behind it was meant for it.
const CLI::App* deepest(const CLI::App* app) {
  while (!app->get_subcommands().empty()) app = app->get_subcommands().front();
  return app;
}

std::vector<std::string> commands_of(const CLI::App* app) {
  std::vector<std::string> out;
  for (const auto* c : app->get_subcommands([](const CLI::App*) { return true; }))
    out.push_back(c->get_name());
  return out;
}

std::vector<std::string> options_of(const CLI::App* app) {
  std::vector<std::string> out;
  for (; app != nullptr; app = app->get_parent())
    for (const auto* o : app->get_options())
      for (const auto& name : o->get_lnames()) out.push_back("--" + name);
  return out;
}

/// The word that no command took.
std::string left_over(const CLI::App& root, const std::string& raw) {
  const std::string word = unmarked(raw);
  const CLI::App* app = deepest(&root);
  const std::string path = path_of(app);
  const std::string help = fmt::format("rollcall {}{}--help", path, path.empty() ? "" : " ");
  if (word.size() > 1 && word.front() == '-') {
    const std::string name = word.substr(0, word.find('='));
    return fmt::format("unknown option '{}'{} (`{}` lists them)", name,
                       meant(name, options_of(app)), help);
  }
  const auto commands = commands_of(app);
  if (commands.empty()) return fmt::format("'{}' is one word too many for '{}'", word, path);
  const std::string near = meant(word, commands);
  return fmt::format("unknown command '{}{}{}'{}", path, path.empty() ? "" : " ", word,
                     near.empty() ? ": there are " + listed(commands) : near);
}

/// One sentence for what the parser did not take.
std::string explain(const CLI::App& root, const CLI::ParseError& error) {
  const auto rest = root.remaining(true);
  const bool of_rest = dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr ||
                       dynamic_cast<const CLI::RequiredError*>(&error) != nullptr ||
                       dynamic_cast<const CLI::Success*>(&error) != nullptr;
  if (!rest.empty() && of_rest) return left_over(root, rest.front());
  const CLI::App* app = deepest(&root);
  const std::string path = path_of(app);
  const bool no_command = dynamic_cast<const CLI::RequiredError*>(&error) != nullptr &&
                          !commands_of(app).empty() && app->get_require_subcommand_min() > 0;
  if (no_command)
    return fmt::format("say what: rollcall {}{}{}", path, path.empty() ? "" : " ",
                       fmt::join(commands_of(app), "|"));
  return error.what();
}

/// An option that stands before a subcommand belongs to it, or to nothing.
void check_parents(const CLI::App* app) {
  for (const CLI::App* above = app->get_parent();
       above != nullptr && above->get_parent() != nullptr; above = above->get_parent()) {
    for (const auto* o : above->get_options()) {
      if (o->count() == 0 || app->get_option_no_throw(o->get_name()) != nullptr) continue;
      if (o->get_positional())
        usage_error(fmt::format("'{}' is one word too many for '{}'", unmarked(o->results().back()),
                                path_of(app)));
      usage_error(fmt::format("{} is an option of '{}', not of '{}'", o->get_name(), path_of(above),
                              path_of(app)));
    }
  }
}

/// Where it works is never another place than the one that was named.
void check_place(const CLI::App& root, const Context& context) {
  for (const auto& [name, word] : {std::pair("--data", &context.data),
                                   {"--app", &context.app},
                                   {"--url", &context.url},
                                   {"--token-file", &context.token_file}})
    if (word->empty() && root.get_option(name)->count() > 0)
      usage_error(fmt::format("{}: names nothing", name));
  if (context.url.empty()) {
    if (!context.token_file.empty())
      usage_error("--token-file opens a running server: say which with --url");
    return;
  }
  if (context.accept_clock)
    usage_error("--accept-clock is for a store's folder: with --url it is the server's clock");
  if (const std::string wrong = a_web_address()(context.url); !wrong.empty())
    usage_error("--url: " + wrong);
}

void check_output(const Spec& spec, const Context& context, bool fields_given) {
  const std::string path = path_of(spec.app);
  if (context.output_given &&
      std::find(spec.formats.begin(), spec.formats.end(), context.output) == spec.formats.end())
    usage_error(
        spec.formats.size() == 1
            ? fmt::format("-o {}: '{}' has one form of answer", context.output, path)
            : fmt::format("-o {}: '{}' answers in {}", context.output, path, listed(spec.formats)));
  if (!fields_given) return;
  const auto members = spec.members ? spec.members(context) : std::vector<std::string>{};
  if (members.empty())
    usage_error(fmt::format("--fields: what '{}' answers here has no fields", path));
  const auto wanted = split_list(context.fields);
  if (wanted.empty()) usage_error("--fields names none: " + listed(members));
  for (const auto& field : wanted)
    if (std::find(members.begin(), members.end(), field) == members.end())
      usage_error(fmt::format("--fields: there is no field '{}': {}", field, listed(members)));
}

}  // namespace

struct Command::Impl {
  CLI::App* app = nullptr;
  std::shared_ptr<CLI::App> root;
  bool has_default = false;  ///< works without a subcommand
  std::shared_ptr<Spec> spec = std::make_shared<Spec>();
  std::shared_ptr<Chosen> chosen;  ///< the command that was given
};

Command Command::command(const std::string& name, const std::string& summary) {
  auto impl = std::make_shared<Impl>(*impl_);
  impl->has_default = false;
  impl->spec = std::make_shared<Spec>();
  impl->app = impl_->app->add_subcommand(name, summary);
  impl->app->fallthrough();
  impl->app->option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  impl->spec->app = impl->app;
  impl->spec->formats = {"short"};
  if (!impl_->has_default) impl_->app->require_subcommand(1);
  return Command(impl);
}

Command& Command::option(const std::string& names, std::string& into, const std::string& help,
                         Check check) {
  declare_word(*impl_->app, names, help, Words::One, std::move(check),
               [&into](const std::string& word) { into = word; });
  return *this;
}
Command& Command::option(const std::string& names, std::uint64_t& into, const std::string& help,
                         Check check) {
  declare_word(*impl_->app, names, help, Words::One, std::move(check), into_number(into))
      ->type_name("N");
  return *this;
}
Command& Command::option(const std::string& names, std::optional<std::uint64_t>& into,
                         const std::string& help, Check check) {
  declare_word(*impl_->app, names, help, Words::One, std::move(check),
               [&into](const std::string& word) { into_number(into.emplace())(word); })
      ->type_name("N");
  return *this;
}
Command& Command::option(const std::string& names, std::optional<std::string>& into,
                         const std::string& help, Check check) {
  declare_word(*impl_->app, names, help, Words::One, std::move(check),
               [&into](const std::string& word) { into = word; });
  return *this;
}
Command& Command::option(const std::string& names, std::vector<std::string>& into,
                         const std::string& help, Check check) {
  declare_word(*impl_->app, names, help, Words::Many, std::move(check),
               [&into](const std::string& word) { into.push_back(word); });
  return *this;
}
Command& Command::list(const std::string& names, std::vector<std::string>& into,
                       const std::string& help, Check check) {
  const auto each = [check = std::move(check)](const std::string& word) -> std::string {
    const auto parts = split_list(word);
    if (parts.empty()) return "names nothing";
    for (const auto& part : parts)
      if (const std::string wrong = check ? check(part) : std::string(); !wrong.empty())
        return wrong;
    return {};
  };
  declare_word(*impl_->app, names, help, Words::Many, each, [&into](const std::string& word) {
    for (auto& part : split_list(word)) into.push_back(std::move(part));
  });
  return *this;
}
Command& Command::list(const std::string& names, std::vector<std::uint64_t>& into,
                       const std::string& help, Check check) {
  const auto each = [check = std::move(check)](const std::string& word) -> std::string {
    const auto parts = split_list(word);
    if (parts.empty()) return "names nothing";
    for (const auto& part : parts)
      if (const std::string wrong = check(part); !wrong.empty()) return wrong;
    return {};
  };
  declare_word(*impl_->app, names, help, Words::Many, each, [&into](const std::string& word) {
    for (const auto& part : split_list(word)) into_number(into.emplace_back())(part);
  });
  return *this;
}
Command& Command::required(const std::string& names, std::string& into, const std::string& help,
                           Check check) {
  declare_word(*impl_->app, names, help, Words::One, std::move(check),
               [&into](const std::string& word) { into = word; })
      ->required();
  return *this;
}
Command& Command::flag(const std::string& names, bool& into, const std::string& help) {
  impl_->app->add_flag(names, into, help);
  return *this;
}
Command& Command::flag(const std::string& names, std::optional<bool>& into,
                       const std::string& help) {
  impl_->app->add_flag_callback(
      names, [&into] { into = true; }, help);
  return *this;
}
Command& Command::positional(const std::string& name, std::string& into, const std::string& help,
                             Check check) {
  return required(name, into, help, std::move(check));
}
Command& Command::optional_positional(const std::string& name, std::string& into,
                                      const std::string& help, Check check) {
  return option(name, into, help, std::move(check));
}
Command& Command::positionals(const std::string& name, std::vector<std::string>& into,
                              const std::string& help, Check check) {
  declare_word(*impl_->app, name, help, Words::Many, std::move(check),
               [&into](const std::string& word) { into.push_back(word); })
      ->expected(CLI::detail::expected_max_vector_size);
  return *this;
}
Command& Command::rows(std::vector<std::string> members) {
  return formats({"short", "wide", "json", "ndjson", "csv", "cat"},
                 [members = std::move(members)](const Context&) { return members; });
}
Command& Command::formats(std::vector<std::string> formats,
                          std::function<std::vector<std::string>(const Context&)> members) {
  impl_->spec->formats = std::move(formats);
  impl_->spec->members = std::move(members);
  return *this;
}
Command& Command::check(std::function<void(const Context&)> check) {
  impl_->spec->checks.push_back(std::move(check));
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
  impl_->app->callback(
      [app = impl_->app, chosen = impl_->chosen, run = std::move(run), spec = impl_->spec] {
        if (app->get_subcommands().empty()) *chosen = {run, spec};
      });
}

void Command::run_writing(Run run) {
  this->run([run = std::move(run)](Context& context) {
    go_where_served(context);
    return run(context);
  });
}

void Command::run(Run run) {
  impl_->app->callback([chosen = impl_->chosen, run = std::move(run), spec = impl_->spec] {
    *chosen = {run, spec};
  });
}

int run_command_line(int argc, char** argv, const std::function<void(Command&)>& declare) {
  auto root =
      std::make_shared<CLI::App>("rollcall: who is here, who was, and proof of it", "rollcall");
  auto impl = std::make_shared<Command::Impl>();
  impl->app = root.get();
  impl->root = root;
  impl->chosen = std::make_shared<Chosen>();
  Context context;
  context.arguments.assign(argv, argv + argc);
  root->set_version_flag("--version", std::string("rollcall ") + ROLLCALL_VERSION);
  root->add_option("-d,--data", context.data,
                   "the store's folder (default: $ROLLCALL_DATA, else ./rollcall-data)");
  root->add_option("--app", context.app, "which app of the store, where it holds several");
  auto* output = declare_word(
      *root, "-o,--output",
      "short, wide, json, ndjson, csv, cat; events: raw, activitylog4, activitylog5, owenit; "
      "reports: svg, html; whatif: svg",
      Words::One,
      one_of({"short", "wide", "json", "ndjson", "csv", "cat", "raw", "activitylog4",
              "activitylog5", "owenit", "svg", "html"}),
      [&](const std::string& word) { context.output = word; });
  auto* fields = root->add_option("--fields", context.fields, "only these, separated by commas");
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
  const auto fail = [](const std::string& sentence, int code) {
    std::fflush(stdout);
    fmt::print(stderr, "rollcall: {}\n", store::printable(sentence, store::LineEnds::Kept));
    return code;
  };
  try {
    std::vector<std::string> words;
    for (int i = 1; i < argc; ++i) words.push_back(marked(argv[i]));
    // The parser would take the next word for what is missing behind --option=.
    for (const auto& word : words) {
      if (word == "--") break;
      if (word.starts_with("--") && word.find('=') == word.size() - 1)
        return fail(fmt::format("{} says nothing: give a value", word), 2);
    }
    std::reverse(words.begin(), words.end());  // the last one first, as the parser wants them
    root->parse(std::move(words));
  } catch (const CLI::Success& asked) {  // --help, --version
    if (!root->remaining(true).empty()) return fail(explain(*root, asked), 2);
    return root->exit(asked);
  } catch (const CLI::ParseError& error) {
    return fail(explain(*root, error), 2);
  }
  try {
    context.output_given = output->count() > 0;
    const Spec& spec = *impl->chosen->spec;
    check_parents(spec.app);
    check_place(*root, context);
    for (const auto& check : spec.checks) check(context);
    check_output(spec, context, fields->count() > 0);
    const int code = impl->chosen->run(context);
    // An answer that went nowhere is no answer.
    if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0)
      return fail(fmt::format("the answer could not be written: {}", std::strerror(errno)), 1);
    return code;
  } catch (const UsageError& error) {
    return fail(error.what(), 2);
  } catch (const store::Failure& failure) {
    return fail(failure.what(), store::exit_code(failure.error().code));
  } catch (const std::bad_alloc&) {
    return fail("this needs more memory than there may be: ask for less", 1);
  } catch (const std::exception& error) {
    return fail(error.what(), 1);
  }
}

}  // namespace rollcall::cli
