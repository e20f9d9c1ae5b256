// Keys, salts and nonces from a seed instead of the system: for a run that is to be the same again,
// byte for byte.
#pragma once

#include <cstdint>

namespace rollcall::test {

/// While it is there, RAND_bytes() of this test program gives bytes that follow from the seed. One
/// at a time; whoever draws on several threads gets them in no fixed order.
class SeededRandom {
 public:
  explicit SeededRandom(std::uint64_t seed);
  ~SeededRandom();
  SeededRandom(const SeededRandom&) = delete;
  SeededRandom& operator=(const SeededRandom&) = delete;
};

}  // namespace rollcall::test
