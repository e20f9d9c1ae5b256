// The shape of the source itself: what a reader meets has no circles and fits a few screens.
//
// Why this file exists: a build refuses includes against the arrows between folders, but nothing
// refuses a circle within one, or a file that grew by a line a day.
#include <catch2/catch.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace {

namespace fs = std::filesystem;

constexpr const char* kFolders[] = {"engine", "store", "replay", "net", "web", "cli"};
constexpr std::size_t kLinesMost = 450;

struct Source {
  std::string path;  ///< from the project's top level
  std::vector<std::string> includes;
  std::size_t lines = 0;
};

Source read(const fs::path& root, const fs::path& file) {
  Source out;
  out.path = file.lexically_relative(root).generic_string();
  std::ifstream in(file);
  constexpr std::string_view kInclude = "#include \"";
  for (std::string line; std::getline(in, line); ++out.lines)
    if (line.starts_with(kInclude))
      out.includes.push_back(
          line.substr(kInclude.size(), line.find('"', kInclude.size()) - kInclude.size()));
  return out;
}

std::vector<Source> sources(const fs::path& root, const std::vector<std::string>& folders) {
  std::vector<Source> out;
  for (const auto& folder : folders) {
    if (!fs::exists(root / folder)) continue;
    for (auto it = fs::recursive_directory_iterator(root / folder);
         it != fs::recursive_directory_iterator(); ++it) {
      if (it->path().filename() == "node_modules") it.disable_recursion_pending();
      const auto kind = it->path().extension();
      if (it->is_regular_file() && (kind == ".h" || kind == ".cc"))
        out.push_back(read(root, it->path()));
    }
  }
  std::sort(out.begin(), out.end(),
            [](const Source& a, const Source& b) { return a.path < b.path; });
  return out;
}

/// x.h and x.cc are one unit, and so is x_impl.h: the inside of x's class, for the files that
/// implement it.
std::string unit_of(std::string path) {
  path.resize(std::min(path.rfind('.'), path.size()));
  constexpr std::string_view kInside = "_impl";
  if (path.ends_with(kInside)) path.resize(path.size() - kInside.size());
  return path;
}

/// Each circle as "a → b → a", from where it is met first.
std::vector<std::string> circles(const std::vector<Source>& all) {
  std::map<std::string, std::set<std::string>> to;
  for (const Source& source : all)
    for (const auto& include : source.includes)
      if (unit_of(include) != unit_of(source.path))
        to[unit_of(source.path)].insert(unit_of(include));
  std::vector<std::string> out, path;
  std::set<std::string> done;
  const auto visit = [&](const auto& self, const std::string& unit) -> void {
    if (done.contains(unit)) return;
    if (const auto at = std::find(path.begin(), path.end(), unit); at != path.end()) {
      std::string circle;
      for (auto it = at; it != path.end(); ++it) circle += *it + " → ";
      out.push_back(circle + unit);
      return;
    }
    path.push_back(unit);
    if (const auto next = to.find(unit); next != to.end())
      for (const auto& other : next->second) self(self, other);
    path.pop_back();
    done.insert(unit);
  };
  for (const auto& [unit, others] : to) visit(visit, unit);
  return out;
}

std::size_t median_lines(const std::vector<Source>& all, std::string_view ending) {
  std::vector<std::size_t> lines;
  for (const Source& source : all)
    if (source.path.ends_with(ending)) lines.push_back(source.lines);
  REQUIRE_FALSE(lines.empty());
  std::sort(lines.begin(), lines.end());
  return lines[lines.size() / 2];
}

}  // namespace

TEST_CASE("a circle of units is found through headers and implementations", "[engine]") {
  const Source a{"x/a.cc", {"x/a.h", "x/b.h"}, 1}, b{"x/b.h", {"x/c.h"}, 1};
  const Source back{"x/c.cc", {"x/a.h"}, 1}, inside{"x/a_impl.h", {"x/a.h"}, 1};
  CHECK(circles({a, b, inside}).empty());
  CHECK(circles({a, b, back}) == std::vector<std::string>{"x/a → x/b → x/c → x/a"});
}

TEST_CASE("no units of ours include each other in a circle", "[engine]") {
  std::vector<std::string> folders(std::begin(kFolders), std::end(kFolders));
  folders.insert(folders.end(), {"benchmarks", "tests"});
  const auto all = sources(ROLLCALL_SOURCE_DIR, folders);
  REQUIRE(all.size() > 300);
  CHECK(circles(all) == std::vector<std::string>{});
}

TEST_CASE("no file of ours is larger than it may be", "[engine]") {
  const auto all = sources(ROLLCALL_SOURCE_DIR,
                           std::vector<std::string>(std::begin(kFolders), std::end(kFolders)));
  for (const Source& source : all) {
    INFO(source.path << " has " << source.lines << " lines: look for the seam");
    CHECK(source.lines <= kLinesMost);
  }
  CHECK(median_lines(all, ".h") <= 60);
  CHECK(median_lines(all, ".cc") <= 150);
}

TEST_CASE("what locks is a mutex that clang checks", "[engine]") {
  for (const char* folder : kFolders)
    for (auto it = fs::recursive_directory_iterator(fs::path(ROLLCALL_SOURCE_DIR) / folder);
         it != fs::recursive_directory_iterator(); ++it) {
      if (it->path().filename() == "node_modules") it.disable_recursion_pending();
      const auto kind = it->path().extension();
      if (!it->is_regular_file() || (kind != ".h" && kind != ".cc")) continue;
      if (it->path().filename() == "mutex.h") continue;
      std::ifstream in(it->path());
      for (std::string line; std::getline(in, line);)
        for (const std::string_view plain : {"std::mutex", "std::shared_mutex", "std::lock_guard",
                                             "std::unique_lock", "std::shared_lock"}) {
          INFO(it->path() << ": " << line << ": store/bytes/mutex.h has what is annotated");
          CHECK(line.find(plain) == std::string::npos);
        }
    }
}

TEST_CASE("the engine knows no clock, no thread and no random number", "[engine]") {
  const std::set<std::string> kKnown{
      "algorithm",  "array",    "compare",      "cstddef",     "cstdint", "cstdio",      "cstdlib",
      "functional", "iterator", "limits",       "map",         "numeric", "optional",    "queue",
      "set",        "span",     "string",       "string_view", "tuple",   "type_traits", "utility",
      "variant",    "vector",   "unordered_map"};  // looked up by key alone: whoever iterates it
                                                   // depends on its order
  for (const auto& entry : fs::directory_iterator(fs::path(ROLLCALL_SOURCE_DIR) / "engine")) {
    const auto kind = entry.path().extension();
    if (kind != ".h" && kind != ".cc") continue;
    std::ifstream in(entry.path());
    constexpr std::string_view kInclude = "#include <";
    for (std::string line; std::getline(in, line);) {
      if (!line.starts_with(kInclude)) continue;
      const std::string header = line.substr(kInclude.size(), line.find('>') - kInclude.size());
      INFO(entry.path().filename().string() << " includes <" << header << ">");
      CHECK(kKnown.contains(header));
    }
  }
}
