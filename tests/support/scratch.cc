// Scratch folders, seeds and data.
#include "tests/support/scratch.h"

#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <iterator>

namespace rollcall::test {

Scratch::Scratch(On on) {
  static std::atomic<int> counter{0};
  const std::filesystem::path memory = "/dev/shm";
  const bool in_memory = on == On::Memory && ::access(memory.c_str(), W_OK) == 0;
  path_ = (in_memory ? memory : std::filesystem::temp_directory_path()) /
          ("rollcall-test-" + std::to_string(::getpid()) + "-" + std::to_string(counter++));
  std::filesystem::create_directories(path_);
}

Scratch::~Scratch() {
  std::error_code ec;
  std::filesystem::remove_all(path_, ec);
}

std::uint64_t test_seed() {
  if (const char* text = std::getenv("ROLLCALL_SEED")) return std::strtoull(text, nullptr, 10);
  return std::random_device{}();
}

std::uint64_t below(std::mt19937_64& rng, std::uint64_t n) { return rng() % n; }

std::optional<std::filesystem::path> test_data(const std::string& name) {
  const char* set = std::getenv("ROLLCALL_TEST_DATA");
  const std::filesystem::path path =
      std::filesystem::path(set != nullptr ? set : ROLLCALL_TEST_DATA_DEFAULT) / name;
  if (!std::filesystem::exists(path)) return std::nullopt;
  return path;
}

std::string slurp(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

namespace {
int number_of(const char* variable, int usual) {
  const char* text = std::getenv(variable);
  return text != nullptr ? std::atoi(text) : usual;
}
}  // namespace

int rounds(int usual) { return number_of("ROLLCALL_ROUNDS", usual); }
int kills(int usual) { return number_of("ROLLCALL_KILLS", usual); }

}  // namespace rollcall::test
