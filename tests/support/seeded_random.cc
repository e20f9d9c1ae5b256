// RAND_bytes() as the libraries of this test program see it.
#include "tests/support/seeded_random.h"

#include <dlfcn.h>

#include <mutex>
#include <optional>
#include <random>

namespace {

std::mutex mutex;
std::optional<std::mt19937_64> seeded;  // under the mutex

}  // namespace

// Defined in the program, so it is what store/bytes/crypto.cc finds.
extern "C" int RAND_bytes(unsigned char* bytes, int count) {
  {
    const std::lock_guard guard(mutex);
    if (seeded) {
      for (int i = 0; i < count; ++i) bytes[i] = static_cast<unsigned char>((*seeded)());
      return 1;
    }
  }
  using Real = int (*)(unsigned char*, int);
  static const auto real = reinterpret_cast<Real>(::dlsym(RTLD_NEXT, "RAND_bytes"));
  return real == nullptr ? 0 : real(bytes, count);
}

namespace rollcall::test {

SeededRandom::SeededRandom(std::uint64_t seed) {
  const std::lock_guard guard(mutex);
  seeded.emplace(seed);
}

SeededRandom::~SeededRandom() {
  const std::lock_guard guard(mutex);
  seeded.reset();
}

}  // namespace rollcall::test
