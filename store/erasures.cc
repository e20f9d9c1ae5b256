// A number a line, and a sum at the end.
#include "store/erasures.h"

#include "store/bytes/crypto.h"

#include <fmt/format.h>

namespace rollcall::store {
namespace {

std::string erasures_text(const std::set<UserNumber>& numbers) {
  std::string text;
  for (const UserNumber number : numbers) text += fmt::format("{}\n", number);
  return text;
}

std::string sum_line(std::string_view text) {
  return fmt::format("sha256 {}\n", hex(sha256({as_bytes(text)})));
}

}  // namespace

Result<std::set<UserNumber>> read_erasures(const std::filesystem::path& file) {
  std::set<UserNumber> out;
  const auto text = read_file(file);
  if (!text && text.error().code == Errc::NotFound) return out;
  if (!text) return text.error();
  // The list decides whose keys are destroyed: a digit that flipped must never name somebody else.
  const Error damaged{Errc::Incomplete,
                      fmt::format("{}: damaged (its sum does not fit)", file.string())};
  const auto sum = text->rfind("sha256 ");
  if (sum == std::string::npos ||
      text->substr(sum) != sum_line(std::string_view(*text).substr(0, sum)))
    return damaged;
  std::string_view rest = std::string_view(*text).substr(0, sum);
  while (!rest.empty()) {
    const auto end = rest.find('\n');
    const auto number = parse_decimal(rest.substr(0, end));
    if (!number || *number == 0 || *number > 0xFFFFFFFF || end == std::string_view::npos)
      return damaged;
    out.insert(static_cast<UserNumber>(*number));
    rest.remove_prefix(end + 1);
  }
  return out;
}

Result<void> write_erasures(const std::filesystem::path& file, const std::set<UserNumber>& numbers,
                            Files& files) {
  const std::string text = erasures_text(numbers);
  return files.replace(file, text + sum_line(text));
}

}  // namespace rollcall::store
