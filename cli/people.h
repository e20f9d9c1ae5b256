// The users whom a command is about: by name, or by number, which stays when a name is forgotten.
//
// Why this file exists: a name may be any text, for example `#1` or one with a comma. So numbers
// cannot be recognized by their form; they have their own option in every command.
#pragma once

#include "cli/command.h"
#include "replay/reader.h"
#include "store/govern.h"

#include <boost/json/object.hpp>

namespace rollcall::cli {

/// Several users: names (by -u, or as words), numbers by --number.
struct People {
  std::vector<std::string> names, numbers;
  /// As `-u NAME`, or as words after the command.
  void declare_option(Command& command, const std::string& help);
  void declare_words(Command& command, const std::string& help);
  [[nodiscard]] bool given() const { return !names.empty() || !numbers.empty(); }
  [[nodiscard]] std::size_t count() const { return names.size() + numbers.size(); }
  /// In the given order; a Failure if one does not exist.
  [[nodiscard]] std::vector<engine::UserNumber> find(const replay::Reader& reader) const;
};

/// One user: USER, or --number N.
struct Person {
  std::string name;
  std::optional<std::uint64_t> number;
  void declare(Command& command, const std::string& help);
  [[nodiscard]] store::Whom whom() const;
  [[nodiscard]] engine::UserNumber find(const replay::Reader& reader) const;
  [[nodiscard]] People people() const;
  /// What the user types to confirm: the name, or the number.
  [[nodiscard]] std::string typed() const;

 private:
  bool named_ = false;  ///< an empty name is a name, which nobody has
};

/// As a request of /v1 names a user: {"user": …} or {"number": …}.
[[nodiscard]] boost::json::object request_of(const Person& person);

}  // namespace rollcall::cli
