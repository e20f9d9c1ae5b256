// Which questions travel: nothing that is let through names a file, another store or another
// server.
#include "net/v1/question.h"

#include "replay/pattern.h"
#include "tests/support/scratch.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <fstream>

using namespace rollcall;
using namespace rollcall::net;

namespace {

using Words = std::vector<std::string>;

Words split(std::string_view text) {
  Words out;
  while (!text.empty()) {
    const std::size_t space = std::min(text.find(' '), text.size());
    if (space != 0) out.emplace_back(text.substr(0, space));
    text.remove_prefix(std::min(space + 1, text.size()));
  }
  return out;
}

Words joined(Words first, const Words& more) {
  first.insert(first.end(), more.begin(), more.end());
  return first;
}

/// A value that fits.
std::string sample(Takes takes, std::string_view choices = {}) {
  switch (takes) {
    case Takes::Nothing:
      return {};
    case Takes::Number:
      return "3";
    case Takes::Moment:
      return "2026-01-02T03:04:05Z";
    case Takes::Duration:
      return "10min";
    case Takes::Name:
      return "ada";
    case Takes::Text:
      return "words";
    case Takes::Plain:
      return "nightly-1";
    case Takes::Pattern:
      return "inv.*";
    case Takes::Seqs:
      return "1..9";
    case Takes::Kind:
      return "login,logout";
    case Takes::Choice:
      return std::string(choices.substr(0, choices.find(',')));
    case Takes::Cursor:
      return "abcDEF_-1=";
    case Takes::Key:
      return "w.example+1+key";
    case Takes::Url:
      return "https://w.example/";
    case Takes::Folder:
      return "/backups";
    case Takes::Output:
      return "-";
  }
  return {};
}

/// The command with what has to stand behind it, and nothing else.
Words least_of(const QuestionCommand& command) {
  Words out = split(command.words);
  if (command.words == "retention apply") out.emplace_back("--dry-run");
  for (unsigned i = 0; i < command.least; ++i) out.push_back(sample(command.positional));
  return out;
}

const QuestionCommand& command_named(std::string_view words) {
  const auto& all = questions();
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const auto& c) { return c.words == words; });
  REQUIRE(found != all.end());
  return *found;
}

std::string shown(const Words& words) {
  std::string out;
  for (const auto& word : words) out += "[" + word + "]";
  return out;
}

/// What the process that answers is given: the command, options that the list has, --, the rest.
void check_canonical(const Question& q) {
  const Words name = split(q.command->words);
  REQUIRE(q.words.size() >= name.size());
  CHECK(std::equal(name.begin(), name.end(), q.words.begin()));
  std::size_t behind = 0;
  bool options_end = false;
  for (std::size_t i = name.size(); i < q.words.size(); ++i) {
    const std::string& word = q.words[i];
    if (options_end) {
      ++behind;
      continue;
    }
    if (word == "--") {
      options_end = true;
      continue;
    }
    const std::size_t equals = std::min(word.find('='), word.size());
    REQUIRE(word.starts_with("--"));
    const auto option = std::find_if(
        q.command->options.begin(), q.command->options.end(),
        [&](const auto& o) { return o.name == std::string_view(word).substr(2, equals - 2); });
    REQUIRE(option != q.command->options.end());
    CHECK((equals == word.size()) == (option->takes == Takes::Nothing));
    if (option->takes == Takes::Output) CHECK(word == "--out=-");
  }
  CHECK(behind >= q.command->least);
  CHECK(behind <= q.command->most);
  if (q.command->positional == Takes::Output && behind != 0) CHECK(q.words.back() == "-");
  const auto again = read_question(q.words);
  REQUIRE(again);
  CHECK(again->words == q.words);
  CHECK(again->command == q.command);
  CHECK(again->users == q.users);
  CHECK(again->numbers == q.numbers);
  Words folders = again->folders, before = q.folders;  // options come first now
  std::sort(folders.begin(), folders.end());
  std::sort(before.begin(), before.end());
  CHECK(folders == before);
  CHECK(again->seq == q.seq);
}

}  // namespace

TEST_CASE("every question that travels is taken, with every option it has, in every spelling",
          "[net]") {
  for (const QuestionCommand& command : questions()) {
    INFO(command.words);
    const auto plain = read_question(least_of(command));
    REQUIRE(plain);
    CHECK(plain->command == &command);
    check_canonical(*plain);
    for (const QuestionOption& option : command.options) {
      INFO(option.name);
      const std::string value = sample(option.takes, option.choices);
      const std::string name = "--" + std::string(option.name);
      std::vector<Words> spelled;
      const std::string letter = std::string("-") + option.letter;
      const bool flag = option.takes == Takes::Nothing;
      spelled.push_back(flag ? Words{name} : Words{name, value});
      if (!flag) spelled.push_back(Words{name + "=" + value});
      if (option.letter != 0) spelled.push_back(flag ? Words{letter} : Words{letter, value});
      std::optional<Words> first;
      for (const Words& way : spelled) {
        const auto q = read_question(joined(least_of(command), way));
        INFO(shown(joined(least_of(command), way)));
        REQUIRE(q);
        CHECK(q->has(option.name));
        check_canonical(*q);
        if (!first) first = q->words;
        CHECK(q->words == *first);  // however it was spelled
      }
    }
  }
}

TEST_CASE("no question names a file, another store or another server, however it is spelled",
          "[net]") {
  const std::vector<std::string> values{"/tmp/kept", "kept",   "./kept", "../kept", "~/kept",
                                        "/dev/zero", "-/kept", "--",     ""};
  const Words names{
      "out",  "cursor-file", "checkpoint", "policy",     "data", "url",    "token-file", "config",
      "app",  "receipt",     "key",        "state-file", "log",  "listen", "reason",     "no-pager",
      "help", "version",     "ou",         "OUT",        "out-", "o ut",   "cursor_file"};
  for (const QuestionCommand& command : questions()) {
    const Words least = least_of(command);
    for (const std::string& value : values) {
      std::vector<Words> ways;
      for (const std::string& name : names) {
        ways.push_back(Words{"--" + name + "=" + value});
        ways.push_back(Words{"--" + name, value});
        ways.push_back(Words{"-" + name, value});
      }
      for (const char letter : {'O', 'd', 'c', 'k', 'F'}) {
        const std::string l(1, letter);
        for (const char* before : {"-", "-q", "-v", "-qv", "-vq", "-n3", "-r", "-f", "-o"}) {
          ways.push_back(Words{before + l, value});
          ways.push_back(Words{before + l + value});
          ways.push_back(Words{before + l + "=" + value});
        }
      }
      for (const Words& way : ways) {
        for (const Words& words :
             {joined(least, way), joined(way, least), joined(joined({"-q"}, way), least),
              joined(joined(split(command.words), way),
                     Words(least.begin() + static_cast<std::ptrdiff_t>(split(command.words).size()),
                           least.end()))}) {
          INFO(shown(words));
          REQUIRE(!read_question(words));
        }
      }
    }
  }
}

TEST_CASE("what is no question for others is refused with what there is instead", "[net]") {
  const auto refusal = [](const Words& words) {
    INFO(shown(words));
    const auto q = read_question(words);
    REQUIRE(!q);
    CHECK(q.error().code == store::Errc::BadInput);
    return q.error().detail;
  };
  for (const char* text : {"verify proof /f",
                           "verify -q proof /f",
                           "-q verify bundle /f",
                           "verify between a b",
                           "verify -- proof /f",
                           "tiles export /f",
                           "tiles export",
                           "import /f",
                           "serve",
                           "watch",
                           "login eve",
                           "forget ada --yes",
                           "backup restore /a /b",
                           "token link",
                           "key gen x",
                           "witness serve",
                           "store reads free",
                           "checkpoint sign",
                           "retention apply",
                           "retention apply --yes",
                           "store",
                           "proof",
                           "proof 1 2",
                           "proof one",
                           "proof -1",
                           "show 3 --out -",
                           "verify -O -",
                           "who --out x",
                           "subject export a b",
                           "who --state onlin",
                           "who -o xml",
                           "audit -e foo",
                           "audit -e login,,logout",
                           "audit -n -5",
                           "audit -n 1 -n 2",
                           "audit -n",
                           "audit --quiet=yes",
                           "audit -qv",
                           "last --min soon",
                           "who --at whenever",
                           "backup create relative",
                           "backup create /b --name ../up",
                           "backup create /b --name -q",
                           "backup create /b --name .hidden",
                           "backup create /b --vault v",
                           "--",
                           "-q",
                           "-",
                           "nosuch"})
    CHECK(!refusal(split(text)).empty());
  const std::string zero("a\0b", 3), longer(5000, 'x');
  for (const std::string& word : {std::string("a\nb"), zero, std::string("\xff"), std::string()})
    CHECK(!refusal({"who", word}).empty());
  CHECK(!refusal({"audit", longer}).empty());
  CHECK(!refusal({"audit", "-g", ""}).empty());
  // A pattern is refused in the words of the command line, before a process starts.
  for (const char* pattern : {"(", "order (?=7)", "(a)\\1", "a{1001}", "[z-a]"}) {
    INFO(pattern);
    const auto wrong = replay::Pattern::compile(pattern);
    REQUIRE_FALSE(wrong.has_value());
    CHECK_THAT(refusal({"audit", "-g", pattern}), Catch::EndsWith(wrong.error().detail));
    CHECK_THAT(refusal({"export", "--grep", pattern}), Catch::EndsWith(wrong.error().detail));
  }
  CHECK(!refusal({"audit", "--ip", "a\x1b[2J"}).empty());
  CHECK(!refusal({}).empty());
  CHECK(!refusal(Words{std::string()}).empty());
  CHECK_THAT(refusal({"proof", "3", "-qO/any/path"}), Catch::Contains("--out"));
  CHECK_THAT(refusal({"who", "--stat", "online"}), Catch::Contains("--state"));
  CHECK_THAT(refusal({"nosuch"}), Catch::Contains("audit stats"));
  CHECK_THAT(refusal({"who", "--state", "onlin"}), Catch::Contains("online,away,offline"));
  CHECK_THAT(refusal(Words(300, "who")), Catch::Contains("too many"));
  // What is not understood is shown without what a terminal would obey.
  CHECK(refusal({"\x1b]0;x\x07"}).find('\x1b') == std::string::npos);
}

TEST_CASE("a question is written anew: long options with their values, then what it is about",
          "[net]") {
  const auto canonical = [](const Words& words) {
    const auto q = read_question(words);
    REQUIRE(q);
    return q->words;
  };
  CHECK(canonical({"-q", "-o", "json", "who", "ada"}) ==
        Words{"who", "--quiet", "--output=json", "--", "ada"});
  CHECK(canonical({"who", "-q", "-q", "--", "-O/any/path"}) ==
        Words{"who", "--quiet", "--", "-O/any/path"});  // somebody of that name
  CHECK(canonical({"audit", "-u", "ada", "-n", "2", "-r", "action=x"}) ==
        Words{"audit", "--user=ada", "--lines=2", "--reverse", "--", "action=x"});
  CHECK(canonical({"audit", "stats", "--by", "user"}) == Words{"audit", "stats", "--by=user"});
  CHECK(canonical({"audit", "--", "stats"}) == Words{"audit", "--", "stats"});  // a word to find
  CHECK(canonical({"proof", "3", "-O", "-"}) == Words{"proof", "--", "3"});
  CHECK(canonical({"who", "ada", "--proof"}) == Words{"who", "--proof", "--out=-", "--", "ada"});
  CHECK(canonical({"export", "--format", "bundle", "-u", "ada", "-O", "-"}) ==
        Words{"export", "--format=bundle", "--user=ada", "--out=-"});
  CHECK(canonical({"export", "--format", "csv"}) == Words{"export", "--format=csv"});
  CHECK(canonical({"tiles", "export", "-"}) == Words{"tiles", "export", "--", "-"});
  CHECK(canonical({"who", "--", "--"}) == Words{"who", "--", "--"});
  CHECK(canonical({"audit", "-u", "--out=/f"}) == Words{"audit", "--user=--out=/f"});
}

TEST_CASE("a question says whose history it is, and its description names nobody", "[net]") {
  const auto read = [](const Words& words) {
    auto q = read_question(words);
    REQUIRE(q);
    return std::move(*q);
  };
  const Question audit =
      read({"audit", "-u", "ada", "--user=bob", "--number", "#12", "-g", "secret", "-S",
            "2026-01-02T03:04:05Z", "user=zoe", "needle", "--ip", "10.1.*", "-e", "login"});
  CHECK(audit.users == Words{"ada", "bob"});
  CHECK(audit.numbers == std::vector<std::uint64_t>{12});
  const std::string described = audit.describe();
  for (const char* said : {"ada", "bob", "zoe", "secret", "needle", "10.1"}) {
    INFO(said << " in " << described);
    CHECK(described.find(said) == std::string::npos);
  }
  for (const char* said : {"audit", "--since=2026-01-02T03:04:05Z", "--event=login", "user=…"}) {
    INFO(said << " in " << described);
    CHECK(described.find(said) != std::string::npos);
  }
  CHECK(read({"show", "#17"}).seq == 17);
  CHECK(read({"proof", "17"}).seq == 17);
  CHECK(read({"who", "ada", "bob"}).users == Words{"ada", "bob"});
  CHECK(read({"subject", "export", "ada"}).users == Words{"ada"});
  CHECK(read({"backup", "create", "/a", "--vault", "/b"}).folders.size() == 2);
}

TEST_CASE("changes of an app need admin, what reaches the server's machine server:admin", "[net]") {
  for (const QuestionCommand& command : questions()) {
    INFO(command.words);
    const bool folders = command.positional == Takes::Folder ||
                         std::any_of(command.options.begin(), command.options.end(),
                                     [](const auto& o) { return o.takes == Takes::Folder; });
    if (folders || command.words == "witness add") CHECK(command.scope == "server:admin");
    if (command.words.starts_with("token ") || command.words.starts_with("snapshot "))
      CHECK(command.scope == "admin");
    CHECK((command.scope == "audit:read" || command.scope == "admin" ||
           command.scope == "server:admin"));
  }
  for (const char* words : {"who", "last", "audit", "audit stats", "audit fields", "audit queries",
                            "show", "export", "subject export"})
    CHECK(command_named(words).of_people);
}

TEST_CASE("backups lie in folders that are there, from the root, outside the store", "[net]") {
  const test::Scratch scratch;
  const auto data = scratch.path() / "store", outside = scratch.path() / "backups";
  std::filesystem::create_directories(data / "apps");
  std::filesystem::create_directories(outside);
  std::filesystem::create_directory_symlink(data, outside / "back");
  std::ofstream(outside / "file") << "x";
  CHECK(check_folder(outside.string(), data));
  CHECK(check_folder((outside / "." / ".." / "backups").string(), data));
  CHECK(!check_folder(data.string(), data));
  CHECK(!check_folder((data / "apps").string(), data));
  CHECK(!check_folder((outside / ".." / "store" / "apps").string(), data));
  CHECK(!check_folder((outside / "back").string(), data));
  CHECK(!check_folder((outside / "file").string(), data));
  CHECK(!check_folder((outside / "none").string(), data));
  CHECK(check_folder(scratch.path().string() + "/backups", data));
  std::filesystem::create_directories(scratch.path() / "store-too");  // begins alike, lies beside
  CHECK(check_folder((scratch.path() / "store-too").string(), data));
}

TEST_CASE("whatever words come, what is understood is on the list and reads the same again",
          "[net]") {
  const std::uint64_t seed = test::test_seed();
  INFO("ROLLCALL_SEED=" << seed);
  std::mt19937_64 rng(seed);
  Words pool{"-O",
             "--out",
             "-qO/f",
             "--out=/f",
             "--out=-",
             "-",
             "--",
             "-d",
             "--data=/f",
             "/f",
             "../f",
             "ada",
             "bob",
             "3",
             "#4",
             "now",
             "10min",
             "1..9",
             "x=y",
             "-n",
             "-o",
             "json",
             "csv",
             "-q",
             "-v",
             "-f",
             "-S",
             "",
             "\xff",
             "a\nb",
             "proof",
             "bundle",
             "between",
             "--url",
             "http://x",
             "--proof",
             "--format=bundle",
             "--cursor-file",
             "--dry-run",
             "--yes",
             "é",
             "login",
             "online"};
  for (const QuestionCommand& command : questions()) {
    for (const std::string& word : split(command.words)) pool.push_back(word);
    for (const QuestionOption& option : command.options) {
      pool.push_back("--" + std::string(option.name));
      pool.push_back(pool.back() + "=" + sample(option.takes, option.choices));
    }
  }
  const auto& all = questions();
  int understood = 0;
  for (int round = 0; round < test::rounds(20'000); ++round) {
    const QuestionCommand& command = all[test::below(rng, all.size())];
    Words words = least_of(command);
    for (std::uint64_t n = test::below(rng, 6); n != 0; --n) {
      std::string word = test::below(rng, 2) == 0 ? pool[test::below(rng, pool.size())] : [&] {
        const QuestionOption& option = command.options[test::below(rng, command.options.size())];
        const std::string name = "--" + std::string(option.name);
        return option.takes == Takes::Nothing ? name
                                              : name + "=" + sample(option.takes, option.choices);
      }();
      if (test::below(rng, 8) == 0 && !word.empty())
        word[test::below(rng, word.size())] = static_cast<char>(test::below(rng, 256));
      words.insert(words.begin() + static_cast<std::ptrdiff_t>(test::below(rng, words.size() + 1)),
                   word);
    }
    const auto q = read_question(words);
    INFO(shown(words));
    if (!q) {
      CHECK(q.error().code == store::Errc::BadInput);
      CHECK(!q.error().detail.empty());
      continue;
    }
    ++understood;
    check_canonical(*q);
    for (const auto& given : q->given) {
      const Takes takes = given.option != nullptr ? given.option->takes : q->command->positional;
      if (takes == Takes::Output) CHECK(given.value == "-");
      if (takes == Takes::Folder) CHECK(q->command->scope == "server:admin");
    }
    CHECK(q->describe().find('\n') == std::string::npos);
  }
  CHECK(understood > 0);
}
