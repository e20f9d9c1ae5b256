// The users whom a command is about: by name, or by number, which stays when a name is forgotten.
//
// Why this file exists: a name may be any text, for example `#1` or one with a comma. So numbers
// cannot be recognized by their form; they have their own option in every command.
#pragma once

#include "cli/command.h"
#include "replay/question/question.h"
#include "store/govern.h"

#include <boost/json/object.hpp>

namespace rollcall::cli {

/// Several users: names by -u or as words after the command, numbers by --number.
void declare_user_option(Command& command, replay::Whose& into, const std::string& help);
void declare_user_words(Command& command, replay::Whose& into, const std::string& help);

/// One user: USER, or --number N.
struct Person {
  std::string name;
  std::optional<std::uint64_t> number;
  void declare(Command& command, const std::string& help);
  [[nodiscard]] store::Whom whom() const;
  /// What the user types to confirm: the name, or the number.
  [[nodiscard]] std::string typed() const;

 private:
  bool named_ = false;  ///< an empty name is a name, which nobody has
};

/// As a request of /v1 names a user: {"user": …} or {"number": …}.
[[nodiscard]] boost::json::object request_of(const Person& person);

}  // namespace rollcall::cli
