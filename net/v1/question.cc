// The list, and reading against it.
#include "net/v1/question.h"

#include "engine/event.h"
#include "net/access/tokens.h"
#include "replay/pattern.h"
#include "replay/time_text.h"
#include "store/bytes/utf8.h"
#include "store/log/event_clock.h"
#include "store/writer.h"

#include <fmt/format.h>

#include <algorithm>

namespace rollcall::net::inline v1 {
namespace {

using store::Errc;
using store::Error;
using store::Result;
using Options = std::vector<QuestionOption>;

constexpr std::size_t kWordsMost = 200, kWordMax = 4096, kTextMax = 1000;
constexpr std::string_view kOutputs =
    "short,wide,json,ndjson,csv,cat,raw,activitylog4,activitylog5,owenit";

Options with(Options first, const Options& more) {
  first.insert(first.end(), more.begin(), more.end());
  return first;
}

std::vector<QuestionCommand> make_list() {
  const Options everywhere{{"output", 'o', Takes::Choice, false, kOutputs},
                           {"fields", 0, Takes::Text},
                           {"quiet", 'q'},
                           {"verbose", 'v'}};
  const QuestionOption number{"number", 0, Takes::Number, true};
  const QuestionOption lines{"lines", 'n', Takes::Number};
  const QuestionOption out{"out", 'O', Takes::Output};
  const Options range{{"since", 'S', Takes::Moment}, {"until", 'U', Takes::Moment}};
  const Options filter = with(range, {{"seq", 0, Takes::Seqs},
                                      {"user", 'u', Takes::Name, true},
                                      number,
                                      {"causer"},
                                      {"session", 0, Takes::Number, true},
                                      {"event", 'e', Takes::Kind, true},
                                      {"ip", 0, Takes::Text, true},
                                      {"channel", 0, Takes::Text, true},
                                      {"subject", 0, Takes::Name, true},
                                      {"reader", 0, Takes::Text, true},
                                      {"grep", 'g', Takes::Pattern}});
  std::vector<QuestionCommand> list{
      {"who",
       "audit:read",
       true,
       {{"at", 0, Takes::Moment},
        {"state", 0, Takes::Choice, true, "online,away,offline"},
        {"room", 0, Takes::Text},
        number,
        {"count"},
        {"proof"},
        out},
       Takes::Name,
       0,
       100},
      {"last", "audit:read", true,
       with(range, {lines, {"min", 0, Takes::Duration}, {"open"}, number}), Takes::Name, 0, 100},
      {"audit", "audit:read", true,
       with(filter, {lines,
                     {"reverse", 'r'},
                     {"follow", 'f'},
                     {"cursor", 0, Takes::Cursor},
                     {"after-cursor", 0, Takes::Cursor},
                     {"show-cursor"},
                     {"fail-empty"}}),
       Takes::Text, 0, 100},
      {"audit stats", "audit:read", true,
       with(filter, {{"by", 0, Takes::Choice, false, "user,kind,hour,action,ip,address"},
                     lines,
                     {"summary"}}),
       Takes::Text, 0, 100},
      {"audit fields", "audit:read", true, {}, Takes::Text, 0, 1},
      {"audit queries", "audit:read", true, filter},
      {"show", "audit:read", true, {{"raw"}, {"proof"}}, Takes::Number, 1, 1},
      {"proof", "audit:read", false, {out}, Takes::Number, 1, 1},
      {"verify", "audit:read", false, {{"quick"}, {"full"}, {"replay"}, {"strict"}, {"no-bodies"}}},
      {"export", "audit:read", true,
       with(filter, {{"format", 0, Takes::Choice, false,
                      "bundle,ndjson,json,csv,raw,activitylog4,activitylog5,owenit"},
                     {"complete", 0, Takes::Choice, false, "chain,headers,none"},
                     out}),
       Takes::Text, 0, 100},
      {"subject export", "audit:read", true, {number}, Takes::Name, 0, 1},
      {"store info", "audit:read", false, {}},
      {"store gaps", "audit:read", false, {}},
      {"checkpoint show", "audit:read", false, {}},
      {"checkpoint history", "audit:read", false, {}},
      {"hold list", "audit:read", false, {}},
      {"key show", "audit:read", false, {}},
      {"tiles export", "audit:read", false, {}, Takes::Output, 1, 1},
      {"retention show", "audit:read", false, {}},
      {"retention plan", "audit:read", false, {}},
      // Applying goes through the writer (POST /v1/retention/apply); its plan is a reading.
      {"retention apply", "audit:read", false, {{"dry-run"}, {"yes"}}},
      {"witness list", "audit:read", false, {}},
      {"witness status", "audit:read", false, {}},
      {"snapshot create", "admin", false, {{"keep", 0, Takes::Number}}},
      {"snapshot list", "admin", false, {}},
      {"snapshot verify", "admin", false, {}, Takes::Number, 0, 1},
      {"snapshot rm", "admin", false, {{"all"}}, Takes::Number, 0, 1},
      {"token create",
       "admin",
       false,
       {{"scope", 0, Takes::Choice, true,
         "presence:read,audit:read,events:write,admin,server:admin"},
        {"expires", 0, Takes::Moment}},
       Takes::Text,
       1,
       1},
      {"token list", "admin", false, {}},
      {"token revoke", "admin", false, {}, Takes::Text, 1, 1},
      {"token watch", "admin", false, {{"expires", 0, Takes::Moment}}, Takes::Name, 1, 1},
      // A witness is called from the server's own place in the network, and backups are folders of
      // its machine: the server's, not an app's.
      {"witness add", "server:admin", false, {{"quorum", 0, Takes::Plain}}, Takes::Key, 3, 3},
      {"backup create",
       "server:admin",
       false,
       {{"name", 0, Takes::Plain}, {"vault", 0, Takes::Folder}},
       Takes::Folder,
       1,
       1},
      {"backup list", "server:admin", false, {}, Takes::Folder, 1, 1},
      {"backup verify", "server:admin", false, {}, Takes::Folder, 1, 1},
      {"backup prune",
       "server:admin",
       false,
       {{"keep", 0, Takes::Number}, {"dry-run"}, {"yes"}},
       Takes::Folder,
       1,
       1}};
  for (QuestionCommand& command : list) command.options = with(command.options, everywhere);
  return list;
}

bool one_of(std::string_view choices, std::string_view value) {
  while (true) {
    const std::size_t comma = std::min(choices.find(','), choices.size());
    if (choices.substr(0, comma) == value) return true;
    if (comma == choices.size()) return false;
    choices.remove_prefix(comma + 1);
  }
}

bool shown_text(std::string_view text, std::size_t most) {
  return !text.empty() && text.size() <= most && store::valid_utf8(text) &&
         std::none_of(text.begin(), text.end(),
                      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

template <class Fits>
bool all_of_list(std::string_view list, const Fits& fits) {
  while (true) {
    const std::size_t comma = std::min(list.find(','), list.size());
    std::string_view part = list.substr(0, comma);
    while (part.starts_with(' ')) part.remove_prefix(1);  // as the command line reads its lists
    while (part.ends_with(' ')) part.remove_suffix(1);
    if (!fits(part)) return false;
    if (comma == list.size()) return true;
    list.remove_prefix(comma + 1);
  }
}

bool of_letters(std::string_view text, std::size_t most, std::string_view besides) {
  return !text.empty() && text.size() <= most && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           besides.find(c) != std::string_view::npos;
  });
}

/// Nothing where the value is what it should be; else what it should be.
std::optional<std::string> misfit(Takes takes, std::string_view choices, bool many,
                                  std::string_view value) {
  const auto unless = [](bool fits, std::string_view what) {
    return fits ? std::nullopt : std::optional<std::string>(what);
  };
  switch (takes) {
    case Takes::Nothing:
      return "takes no value";
    case Takes::Number: {
      if (value.starts_with('#')) value.remove_prefix(1);
      const auto whole = [](std::string_view v) { return store::parse_decimal(v).has_value(); };
      return unless(many ? value.size() <= kTextMax && all_of_list(value, whole) : whole(value),
                    "is a whole number");
    }
    case Takes::Moment: {
      if (!shown_text(value, 100)) return "is a time";
      const auto spec = replay::parse_time(std::string(value), store::wall_now());
      return spec ? std::nullopt : std::optional<std::string>("is a time: " + spec.error().detail);
    }
    case Takes::Duration: {
      const auto spec = replay::parse_duration(std::string(value.substr(0, 100)));
      return spec ? std::nullopt
                  : std::optional<std::string>("is a duration: " + spec.error().detail);
    }
    case Takes::Name:
      return unless(store::check_user_name(value).has_value(), "is the name of a user");
    case Takes::Text:
      return unless(shown_text(value, kTextMax), "is a text of at most 1000 bytes, in one line");
    case Takes::Plain:
      return unless(of_letters(value, 100, "._-") && value.front() != '.' && value.front() != '-',
                    "is 1 to 100 letters, digits, dots, dashes and underscores");
    case Takes::Pattern: {
      const auto compiled = replay::Pattern::compile(value);
      if (value.empty()) return "is a regular expression";
      return compiled ? std::nullopt
                      : std::optional<std::string>("is a regular expression: " +
                                                   compiled.error().detail);
    }
    case Takes::Seqs:
      return unless(value.size() <= 45 && !value.empty() &&
                        value.find_first_not_of("0123456789.") == std::string_view::npos,
                    "is A..B");
    case Takes::Kind:
      return unless(value.size() <= kTextMax &&
                        all_of_list(value, [](auto v) { return engine::kind_of(v).has_value(); }),
                    "is a kind of event: login, logout, activity, inactivity, …");
    case Takes::Choice: {
      const bool fits = many ? value.size() <= kTextMax &&
                                   all_of_list(value, [&](auto v) { return one_of(choices, v); })
                             : one_of(choices, value);
      return fits ? std::nullopt : std::optional<std::string>(fmt::format("is one of {}", choices));
    }
    case Takes::Cursor:
      return unless(of_letters(value, 400, "-_="), "is a cursor that an answer showed");
    case Takes::Key:
      return unless(shown_text(value, kTextMax), "is a name, a key or a URL");
    case Takes::Url:
      return unless(shown_text(value, kTextMax) &&
                        (value.starts_with("http://") || value.starts_with("https://")),
                    "is an http:// or https:// URL");
    case Takes::Folder:
      return unless(shown_text(value, kTextMax) && value.starts_with('/'),
                    "is a folder on the server, from the root: /…");
    case Takes::Output:
      return unless(value == "-", "is - here: the file is written where the question came from");
  }
  return "is not known";
}

std::string names_of(const std::vector<QuestionOption>& options) {
  std::string out;
  for (const auto& option : options)
    out += fmt::format("{}--{}", out.empty() ? "" : ", ", option.name);
  return out;
}

std::string commands_there_are() {
  std::string out;
  for (const auto& command : questions())
    out += fmt::format("{}{}", out.empty() ? "" : ", ", command.words);
  return out;
}

/// Words of outsiders, short and without what a terminal would take as an order.
std::string shown_word(std::string_view word) {
  std::string out;
  for (const char c : word.substr(0, 40))
    out += static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? '?' : c;
  return store::valid_utf8(out) ? out : "?";
}

const QuestionOption* find_option(const std::vector<QuestionOption>& options,
                                  std::string_view word) {
  for (const auto& option : options) {
    if (word.starts_with("--") && word.substr(2) == option.name) return &option;
    if (word.size() == 2 && word[0] == '-' && option.letter != 0 && word[1] == option.letter)
      return &option;
  }
  return nullptr;
}

/// The command that the words begin, and how many of them are its name; options may stand before.
struct Found {
  const QuestionCommand* command = nullptr;
  std::size_t first = 0, second = 0;  ///< where its words are; 0: it has one word alone
};
/// The next word that is neither an option of every command nor such an option's value.
std::size_t next_word(const std::vector<std::string>& words, std::size_t at) {
  const auto& everywhere = questions().back().options;  // each has those that all have
  while (at < words.size() && words[at].starts_with('-') && words[at] != "--") {
    const std::size_t equals = std::min(words[at].find('='), words[at].size());
    const auto* option = find_option(everywhere, std::string_view(words[at]).substr(0, equals));
    if (option == nullptr) return words.size();  // of the command: its name is over
    at += option->takes != Takes::Nothing && equals == words[at].size() ? 2 : 1;
  }
  return at;
}

Result<Found> find_command(const std::vector<std::string>& words) {
  Found out;
  const std::size_t at = next_word(words, 0);
  if (at >= words.size())
    return Error{Errc::BadInput, "which command? Those that travel: " + commands_there_are()};
  out.first = at;
  const std::size_t second = next_word(words, at + 1);
  const std::string next = second < words.size() ? words[second] : std::string();
  for (const auto& command : questions()) {
    if (command.words == words[at]) out.command = &command;
    if (command.words == words[at] + " " + next) {
      out.command = &command;
      out.second = second;
      return out;
    }
  }
  if (out.command != nullptr) return out;
  const bool more = !next.empty() && !next.starts_with('-');
  return Error{Errc::BadInput, fmt::format("'{}{}{}' does not work over --url. What does: {}",
                                           shown_word(words[at]), more ? " " : "",
                                           more ? shown_word(next) : "", commands_there_are())};
}

void take(Question& q, const QuestionOption* option, std::string value) {
  const Takes takes = option != nullptr ? option->takes : q.command->positional;
  if (takes == Takes::Name) q.users.push_back(value);
  if (takes == Takes::Folder) q.folders.push_back(value);
  std::string_view digits = value;
  if (digits.starts_with('#')) digits.remove_prefix(1);
  if (option != nullptr && option->name == "number")
    (void)all_of_list(digits, [&](std::string_view v) {
      q.numbers.push_back(store::parse_decimal(v).value_or(0));
      return true;
    });
  if (option == nullptr && takes == Takes::Number &&
      (q.command->words == "show" || q.command->words == "proof"))
    q.seq = store::parse_decimal(digits).value_or(0);
  q.given.push_back({option, std::move(value)});
}

}  // namespace

const std::vector<QuestionCommand>& questions() {
  static const std::vector<QuestionCommand> list = make_list();
  return list;
}

bool Question::has(std::string_view option) const {
  return std::any_of(given.begin(), given.end(), [&](const Given& g) {
    return g.option != nullptr && g.option->name == option;
  });
}

std::string Question::describe() const {
  std::string out(command->words);
  for (const Given& g : given) {
    const Takes takes = g.option != nullptr ? g.option->takes : command->positional;
    // Whose it is says the event's subject; patterns and words may quote what is being looked for.
    const bool told = takes != Takes::Name && takes != Takes::Pattern && takes != Takes::Text &&
                      takes != Takes::Cursor;
    if (g.option != nullptr) out += fmt::format(" --{}", g.option->name);
    if (takes == Takes::Nothing) continue;
    out += g.option != nullptr ? "=" : " ";
    const std::size_t equals = g.value.find('=');
    out += told ? g.value
           : takes == Takes::Text && !g.option && equals != std::string::npos
               ? g.value.substr(0, equals) + "=…"
               : "…";
  }
  return out;
}

Result<Question> read_question(const std::vector<std::string>& words) {
  if (words.size() > kWordsMost) return Error{Errc::BadInput, "too many words"};
  for (const auto& word : words)
    if (word.size() > kWordMax || word.find('\0') != std::string::npos)
      return Error{Errc::BadInput, "a word is too long, or holds a zero byte"};
  const auto found = find_command(words);
  if (!found) return found.error();
  Question q;
  q.command = found->command;
  const QuestionCommand& command = *q.command;
  unsigned behind = 0;
  bool options_end = false;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i == found->first || (found->second != 0 && i == found->second)) continue;
    const std::string& word = words[i];
    if (!options_end && word == "--") {
      options_end = true;
      continue;
    }
    if (options_end || !word.starts_with('-') || word == "-") {
      if (++behind > command.most)
        return Error{
            Errc::BadInput,
            fmt::format("'{}' takes {} words behind it over --url", command.words,
                        command.most == 0 ? "no" : fmt::format("at most {}", command.most))};
      if (const auto wrong = misfit(command.positional, {}, false, word))
        return Error{Errc::BadInput, fmt::format("'{}' {}", shown_word(word), *wrong)};
      take(q, nullptr, word);
      continue;
    }
    const std::size_t equals =
        word.starts_with("--") ? std::min(word.find('='), word.size()) : word.size();
    const auto* option = find_option(command.options, std::string_view(word).substr(0, equals));
    if (option == nullptr)
      return Error{Errc::BadInput,
                   fmt::format("'{}' does not work over --url with '{}'. What does: {}",
                               shown_word(word.substr(0, equals)), command.words,
                               names_of(command.options))};
    if (!option->many && q.has(option->name) && option->takes != Takes::Nothing)
      return Error{Errc::BadInput, fmt::format("--{} is given twice", option->name)};
    std::string value;
    if (option->takes == Takes::Nothing) {
      if (equals != word.size())
        return Error{Errc::BadInput, fmt::format("--{} takes no value", option->name)};
      if (q.has(option->name)) continue;
    } else {
      if (equals != word.size())
        value = word.substr(equals + 1);
      else if (i + 1 < words.size())
        value = words[++i];
      else
        return Error{Errc::BadInput, fmt::format("--{} needs a value", option->name)};
      if (const auto wrong = misfit(option->takes, option->choices, option->many, value))
        return Error{Errc::BadInput, fmt::format("--{} {}", option->name, *wrong)};
    }
    take(q, option, std::move(value));
  }
  if (behind < command.least)
    return Error{Errc::BadInput,
                 fmt::format("'{}' needs {} words behind it", command.words, command.least)};
  if (command.words == "retention apply" && !q.has("dry-run"))
    return Error{Errc::BadInput, "'retention apply' works here with --dry-run alone"};
  // What would be a file is the answer; its own process may write none.
  const bool bundle = std::any_of(q.given.begin(), q.given.end(), [](const auto& g) {
    return g.option != nullptr && g.option->name == "format" && g.value == "bundle";
  });
  const bool as_file =
      (command.words == "who" && q.has("proof")) || (command.words == "export" && bundle);
  std::string_view rest = command.words;
  while (!rest.empty()) {
    const std::size_t space = std::min(rest.find(' '), rest.size());
    q.words.emplace_back(rest.substr(0, space));
    rest.remove_prefix(std::min(space + 1, rest.size()));
  }
  for (const auto& g : q.given) {
    if (g.option == nullptr || g.option->takes == Takes::Output) continue;
    q.words.push_back(g.option->takes == Takes::Nothing
                          ? fmt::format("--{}", g.option->name)
                          : fmt::format("--{}={}", g.option->name, g.value));
  }
  if (as_file) q.words.emplace_back("--out=-");
  if (behind != 0) q.words.emplace_back("--");
  for (const auto& g : q.given)
    if (g.option == nullptr) q.words.push_back(g.value);
  return q;
}

Result<void> check_folder(const std::string& folder, const std::filesystem::path& data) {
  std::error_code ec;
  const auto there = std::filesystem::canonical(folder, ec);
  if (ec || !std::filesystem::is_directory(there, ec))
    return Error{Errc::BadInput,
                 "there is no such folder on the server: backups go into one that is there"};
  const auto own = std::filesystem::canonical(data, ec);
  if (ec) return Error{Errc::Io, "the store's folder cannot be found"};
  const auto inside = [](const std::filesystem::path& a, const std::filesystem::path& b) {
    return std::mismatch(b.begin(), b.end(), a.begin(), a.end()).first == b.end();
  };
  if (inside(there, own))
    return Error{Errc::BadInput, "a backup lies outside the store's own folder"};
  return {};
}

}  // namespace rollcall::net::inline v1
