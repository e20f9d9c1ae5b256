// Stores for tests: small invented ones, and one made from the IRC file where it is there.
#pragma once

#include "store/log/memory_log.h"
#include "store/writer.h"
#include "tests/support/scratch.h"

namespace rollcall::test {

inline constexpr engine::Micros kStart = 1'700'000'000'000'000;
inline constexpr engine::Micros kSecond = 1'000'000;

[[nodiscard]] store::Layout layout_in(const std::filesystem::path& directory);

/// `events` events of 20 users with texts, some about each other, signed at the end.
void fill(store::Writer& writer, std::uint64_t events, std::uint64_t seed,
          engine::Micros start = kStart);
[[nodiscard]] store::Layout make_store(const std::filesystem::path& directory, std::uint64_t events,
                                       std::uint64_t seed);

/// From the IRC file (its first `lines` lines; 0 for all) where the data is there, else invented.
/// `policy`: of the real one.
[[nodiscard]] store::Layout make_real_store(const std::filesystem::path& directory,
                                            std::uint64_t lines,
                                            const std::optional<engine::Policy>& policy = {});

/// A store whose log is in memory, and whose vault lies in a folder that is: quick to make.
class MemoryStore {
 public:
  [[nodiscard]] std::unique_ptr<store::Writer> create() const;
  [[nodiscard]] store::Layout layout() const { return layout_in(scratch_.path()); }
  [[nodiscard]] store::Medium& medium() const { return medium_; }

 private:
  Scratch scratch_{Scratch::On::Memory};
  mutable store::InMemory medium_;
};

void copy_tree(const std::filesystem::path& from, const std::filesystem::path& to);

/// Whether any file below `directory` holds the bytes.
[[nodiscard]] bool any_file_holds(const std::filesystem::path& directory, std::string_view bytes);

}  // namespace rollcall::test
