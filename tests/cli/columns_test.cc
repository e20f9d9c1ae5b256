// Tables line up whatever script names are in and whatever locale the user has.
#include "cli/columns.h"

#include "tests/support/process.h"
#include "tests/support/scratch.h"

#include <catch2/catch.hpp>

#include <set>
#include <sstream>

using namespace rollcall;

namespace {

struct Name {
  const char* bytes;
  std::size_t columns;  ///< as a terminal shows it
};

const std::vector<Name> kNames{{"ada", 3},
                               {"\xE6\x97\xA5\xE6\x9C\xAC", 4},  // 日本
                               {"e\xCC\x81ve", 3},               // é as e and U+0301
                               {"\xF0\x9F\x98\x80x", 3},         // an emoji
                               {"\xEA\xB0\x80", 2},              // 가
                               {"\xEF\xBD\xB1", 1},              // ｱ, half as wide
                               {"\xE0\xB8\x81\xE0\xB8\xB4", 1},  // a Thai vowel above
                               {"\xC3\xA9", 1},                  // é in one character
                               {"\xD0\x96", 1}};                 // Ж

}  // namespace

TEST_CASE("a text takes the columns that a terminal gives it", "[cli]") {
  CHECK(cli::columns_of("") == 0);
  for (const auto& [bytes, columns] : kNames) {
    INFO(bytes);
    CHECK(cli::columns_of(bytes) == columns);
    CHECK(cli::padded(bytes, 7) == bytes + std::string(7 - columns, ' '));
    CHECK(cli::padded(bytes, 0) == bytes);
  }
}

TEST_CASE("columns line up for CJK, emoji and combining characters in every locale",
          "[cli][terminal]") {
  const test::Scratch scratch;
  const auto& dir = scratch.path();
  for (const auto& name : kNames) REQUIRE(test::run_rollcall(dir, {"login", name.bytes}).code == 0);
  for (const char* locale : {"LC_ALL=C", "LC_ALL=C.UTF-8", "LC_ALL=no_SUCH.locale"}) {
    for (const auto& [command, behind] :
         std::vector<std::pair<std::string, std::string>>{{"who", "online"}, {"audit", "login"}}) {
      const auto done = test::run_on_terminal(dir, {command}, {locale, "PAGER=", "TERM=xterm"});
      REQUIRE(done.code == 0);
      std::set<std::size_t> at;  // columns from the name to what stands behind it
      std::size_t lines = 0;
      std::istringstream text(done.out);
      for (std::string line; std::getline(text, line);) {
        const std::size_t end = line.find(behind);
        if (end == std::string::npos) continue;
        for (const auto& [bytes, columns] : kNames) {
          const std::size_t found = line.find(bytes + std::string(" "));
          if (found == std::string::npos || found > end) continue;
          at.insert(end - found - std::string_view(bytes).size() + columns);
          ++lines;
        }
      }
      INFO(locale << " " << command << "\n" << done.out);
      CHECK(lines == kNames.size());
      CHECK(at.size() == 1);
    }
  }
}
