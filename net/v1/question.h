// Which questions travel: the reading commands that a server answers for others, word by word.
//
// Why this file exists: POST /v1/command takes words from outside and a process of ours reads them.
// So they are parsed here, against a list that says for each command which options there are and
// what each may be, and the command is written anew from what was understood: long options with
// their value behind =, then --, then the rest. Nothing on the list names a file, another store or
// another server; what is not on it is refused, with what there is instead.
#pragma once

#include "store/bytes/errc.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace rollcall::net::inline v1 {

/// What a word may be.
enum class Takes : std::uint8_t {
  Nothing,   ///< a flag
  Number,    ///< a whole number; #12 as well
  Moment,    ///< a time, as every command takes it
  Duration,  ///< 10min
  Name,      ///< of a user
  Text,      ///< a short text: a field, a word to find, an address, a channel
  Plain,     ///< a name of letters, digits, dot, dash and underscore, no dot first
  Pattern,   ///< a regular expression
  Seqs,      ///< A..B
  Kind,      ///< kinds of events, with commas between
  Choice,    ///< of Option::choices, with commas between where there may be several
  Cursor,    ///< of an answer before
  Key,       ///< a verifier key
  Url,       ///< http:// or https://
  Folder,    ///< of the server's machine: there, from the root, outside the store
  Output,    ///< - alone: what would be a file is the answer
};

struct QuestionOption {
  std::string_view name;  ///< without the dashes
  char letter = 0;        ///< its short form
  Takes takes = Takes::Nothing;
  bool many = false;              ///< may be given more than once
  std::string_view choices = {};  ///< Takes::Choice: with commas between
};

struct QuestionCommand {
  std::string_view words;  ///< "audit stats"
  std::string_view scope;
  bool of_people = false;  ///< refused without a reason, where the store asks for one
  std::vector<QuestionOption> options;
  Takes positional = Takes::Nothing;  ///< of those behind it
  unsigned least = 0, most = 0;       ///< how many there are
};

/// The list. Options that every command takes are in each.
[[nodiscard]] const std::vector<QuestionCommand>& questions();

/// A question as it was understood.
struct Question {
  const QuestionCommand* command = nullptr;
  std::vector<std::string> words;      ///< the command line to run, canonical
  std::vector<std::string> users;      ///< whose history is asked about, by name
  std::vector<std::uint64_t> numbers;  ///< and by number
  std::vector<std::string> folders;    ///< on the server's machine
  std::uint64_t seq = 0;               ///< the one event it is about
  [[nodiscard]] bool has(std::string_view option) const;
  /// What was asked, for the log of reads: without names, patterns and words to find.
  [[nodiscard]] std::string describe() const;

  struct Given {
    const QuestionOption* option = nullptr;  ///< nothing: a positional
    std::string value;
  };
  std::vector<Given> given;
};

/// Parses the words; an error that says what there is instead.
[[nodiscard]] store::Result<Question> read_question(const std::vector<std::string>& words);

/// A folder for backups on the server's machine: absolute, there, and outside `data`.
[[nodiscard]] store::Result<void> check_folder(const std::string& folder,
                                               const std::filesystem::path& data);

}  // namespace rollcall::net::inline v1
