// Names and numbers to numbers.
#include "cli/people.h"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <limits>

namespace rollcall::cli {
namespace {

constexpr std::uint64_t kMost = std::numeric_limits<engine::UserNumber>::max();

void declare_number(Command& command, std::vector<std::string>& into) {
  command.list("--number", into, "the same by number, of somebody forgotten, too",
               a_number(1, kMost));
}

}  // namespace

void People::declare_option(Command& command, const std::string& help) {
  command.option("-u,--user", names, help);
  declare_number(command, numbers);
}

void People::declare_words(Command& command, const std::string& help) {
  command.positionals("USER", names, help);
  declare_number(command, numbers);
}

std::vector<engine::UserNumber> People::find(const replay::Reader& reader) const {
  std::vector<engine::UserNumber> out;
  for (const auto& name : names) out.push_back(reader.find_user(name).value());
  for (const auto& text : numbers) {
    std::uint64_t number = 0;
    (void)read_number(text, number);
    out.push_back(reader.find_number(number).value());
  }
  return out;
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

engine::UserNumber Person::find(const replay::Reader& reader) const {
  return number ? reader.find_number(*number).value() : reader.find_user(name).value();
}

People Person::people() const {
  return number ? People{{}, {fmt::format("{}", *number)}} : People{{name}, {}};
}

boost::json::object request_of(const Person& person) {
  if (person.number) return {{"number", *person.number}};
  return {{"user", person.name}};
}

std::string Person::typed() const { return number ? fmt::format("{}", *number) : name; }

}  // namespace rollcall::cli
