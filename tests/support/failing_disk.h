// Disks that say no: a sync that fails once although the data arrived, and one that is really full.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace rollcall::test {

/// The next `times` fdatasync() of a file of this process whose name ends in `suffix` do their work
/// and then report an I/O error.
void fail_syncs(std::string suffix, int times);
/// How many of them have not happened yet.
[[nodiscard]] int syncs_left_to_fail();

/// A file system of its own with so many bytes, in memory; gone at the end. Mounting needs rights
/// that a test may not have: then mounted() is false, and the test says that it is left out.
class SmallDisk {
 public:
  SmallDisk(std::filesystem::path at, std::uint64_t bytes);
  ~SmallDisk();
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  [[nodiscard]] bool mounted() const { return mounted_; }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  /// Takes all room but so many bytes; and gives it back.
  void fill(std::uint64_t but = 0);
  void make_room();

 private:
  std::filesystem::path path_;
  bool mounted_ = false;
};

}  // namespace rollcall::test
