// Names and numbers to numbers.
#include "cli/people.h"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <limits>

namespace rollcall::cli {
namespace {

constexpr std::uint64_t kMost = std::numeric_limits<engine::UserNumber>::max();

void declare_number(Command& command, std::vector<std::uint64_t>& into) {
  command.list("--number", into, "the same by number, of somebody forgotten, too",
               a_number(1, kMost));
}

}  // namespace

void declare_user_option(Command& command, replay::Whose& into, const std::string& help) {
  command.option("-u,--user", into.user, help);
  declare_number(command, into.number);
}

void declare_user_words(Command& command, replay::Whose& into, const std::string& help) {
  command.positionals("USER", into.user, help);
  declare_number(command, into.number);
}

void Person::declare(Command& command, const std::string& help) {
  command.optional_positional("USER", name, help, [this](const std::string&) {
    named_ = true;
    return std::string();
  });
  command.option("--number", number, "the same by number", a_number(1, kMost));
  command.check([this](const Context&) {
    if (named_ == number.has_value()) usage_error("say who: USER or --number N, one of them");
  });
}

store::Whom Person::whom() const {
  if (number) return {std::nullopt, number};
  return {name, std::nullopt};
}

boost::json::object request_of(const Person& person) {
  if (person.number) return {{"number", *person.number}};
  return {{"user", person.name}};
}

std::string Person::typed() const { return number ? fmt::format("{}", *number) : name; }

}  // namespace rollcall::cli
