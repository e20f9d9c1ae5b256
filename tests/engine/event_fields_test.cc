// The fields a to d by kind: the views against the table that people read, and nobody past them.
#include "engine/fields_by_kind.h"

#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <sstream>

using namespace rollcall::engine;
namespace fs = std::filesystem;

namespace {

std::string text_of(const fs::path& path) {
  std::ifstream in(path);
  REQUIRE(in);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string bare(std::string cell) {
  std::erase_if(cell, [](char c) { return c == ' ' || c == '`'; });
  return cell;
}

using Row = std::array<std::string, 4>;

/// The rows of docs/log-format.md, kind → its names for a, b, c and d.
std::map<std::string, Row> documented() {
  std::map<std::string, Row> out;
  std::istringstream lines(text_of(fs::path(ROLLCALL_SOURCE_DIR) / "docs/log-format.md"));
  std::string line;
  bool here = false;
  while (std::getline(lines, line)) {
    if (line.starts_with("## ")) here = line == "## What a, b, c and d mean";
    if (!here || !line.starts_with("| `")) continue;
    std::istringstream cells(line.substr(1));
    std::string kind, cell;
    std::getline(cells, kind, '|');
    Row row;
    for (std::string& name : row) {
      std::getline(cells, cell, '|');
      name = bare(cell);
    }
    CHECK(out.emplace(bare(kind), row).second);
  }
  return out;
}

std::vector<Kind> every_kind() {
  std::vector<Kind> out;
  for (std::uint8_t k = 1; k < kKindCount; ++k) out.push_back(static_cast<Kind>(k));
  return out;
}

/// C++ without its comments and string literals.
std::string code_of(const std::string& text) {
  static const std::regex noise(R"re(//[^\n]*|"(?:\\.|[^"\\\n])*")re");
  return std::regex_replace(text, noise, "");
}

}  // namespace

TEST_CASE("docs/log-format.md names the fields of every kind as the code does", "[engine]") {
  const auto rows = documented();
  CHECK(rows.size() == every_kind().size());
  for (const Kind kind : every_kind()) {
    INFO(name_of(kind));
    const auto row = rows.find(std::string(name_of(kind)));
    REQUIRE(row != rows.end());
    const auto names = field_names(kind);
    for (std::size_t i = 0; i < names.size(); ++i) CHECK(row->second[i] == names[i]);
  }
}

TEST_CASE("a view holds its kind's fields, whole, and nothing of the others", "[engine]") {
  for (const Kind kind : every_kind()) {
    INFO(name_of(kind));
    Header before;
    before.kind = kind;
    before.a = 1;  // so small that a kind, a user's number and a yes or no can hold it
    before.b = 0x1122334455667788;
    before.c = 1;
    before.d = 1;
    Header after;
    after.kind = kind;
    with_fields(before, [&](const auto& view) { write_fields(after, view); });
    const auto names = field_names(kind);
    CHECK(after.a == (names[0].empty() ? 0 : before.a));
    CHECK(after.b == (names[1].empty() ? 0 : before.b));
    CHECK(after.c == (names[2].empty() ? 0 : before.c));
    CHECK(after.d == (names[3].empty() ? 0 : before.d));
  }
}

TEST_CASE("a policy goes through its fields unchanged", "[engine]") {
  const Policy policy{0xFFFFFFFF, 0xFFFFFFFE, 0xFFFD, 0xFFFC, 0xFFFB, 0xFFFA, 0xFFFFFFF9};
  Header h;
  write_policy(policy, h);
  CHECK(policy_of(h).policy() == policy);
  CHECK_FALSE(policy_of(h).reads_need_reason);
}

TEST_CASE("a touch told late was active until then; never after its own event", "[engine]") {
  Header h;
  h.kind = Kind::Activity;
  const auto told = [&](Micros until) {
    ActivityFields fields;
    fields.active_until = until;
    write_fields(h, fields);
    return activity_of(h).active_at(1000);
  };
  CHECK(told(0) == 1000);
  CHECK(told(999) == 999);
  CHECK(told(1001) == 1000);
  CHECK(told(-5) == 1000);
}

TEST_CASE("only engine/event_fields.h reads or writes a field by its letter", "[engine]") {
  // The codec copies whole headers and needs no letters either.
  static const std::regex letter(R"((?:\.|->)[abcd]\b(?!\s*\())");
  std::size_t files = 0;
  for (const char* folder : {"engine", "store", "replay", "net", "cli", "benchmarks"}) {
    for (const auto& entry :
         fs::recursive_directory_iterator(fs::path(ROLLCALL_SOURCE_DIR) / folder)) {
      const fs::path& path = entry.path();
      if (path.extension() != ".h" && path.extension() != ".cc") continue;
      if (path.filename() == "event_fields.h") continue;
      ++files;
      const std::string code = code_of(text_of(path));
      std::smatch found;
      INFO(path.string() << ": name the field: engine/event_fields.h has a view of every kind");
      if (std::regex_search(code, found, letter))
        FAIL_CHECK("found " << found.str() << " after: "
                            << code.substr(static_cast<std::size_t>(
                                               std::max<std::ptrdiff_t>(0, found.position() - 40)),
                                           50));
    }
  }
  CHECK(files > 100);
}
