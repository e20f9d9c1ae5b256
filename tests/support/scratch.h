// What tests stand on: scratch folders, seeds that are printed, optional data.
#pragma once

#include "tests/support/results.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <random>
#include <string>

namespace rollcall::test {

/// A folder of its own, removed at the end.
class Scratch {
 public:
  /// In memory where the system has such a folder: for tests that make hundreds of stores and in
  /// which no disk decides anything.
  enum class On { Disk, Memory };
  explicit Scratch(On on = On::Disk);
  ~Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// ROLLCALL_SEED, else a fresh one. Tests print it with INFO.
[[nodiscard]] std::uint64_t test_seed();

/// Uniform below n; the same on every library.
[[nodiscard]] std::uint64_t below(std::mt19937_64& rng, std::uint64_t n);

/// A file of the optional data folder (ROLLCALL_TEST_DATA); a test without it warns and ends.
[[nodiscard]] std::optional<std::filesystem::path> test_data(const std::string& name);

[[nodiscard]] std::string slurp(const std::filesystem::path& path);

/// How often a repeated test runs: `usual`, or ROLLCALL_ROUNDS where it is set (dev check --full).
[[nodiscard]] int rounds(int usual);
/// The same for tests that kill a process: ROLLCALL_KILLS.
[[nodiscard]] int kills(int usual);

}  // namespace rollcall::test
