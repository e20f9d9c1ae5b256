// SipHash-2-4, as its authors' paper has it, under a key of this process.
#include "net/wire/keyed_hash.h"

#include "store/bytes/crypto.h"

#include <bit>
#include <cstring>

namespace rollcall::net::inline wire {
namespace {

static_assert(std::endian::native == std::endian::little);

std::uint64_t load(const void* at) {
  std::uint64_t out = 0;
  std::memcpy(&out, at, sizeof out);
  return out;
}

struct Sip {
  std::uint64_t v0, v1, v2, v3;
  void round() {
    v0 += v1;
    v1 = std::rotl(v1, 13) ^ v0;
    v0 = std::rotl(v0, 32);
    v2 += v3;
    v3 = std::rotl(v3, 16) ^ v2;
    v0 += v3;
    v3 = std::rotl(v3, 21) ^ v0;
    v2 += v1;
    v1 = std::rotl(v1, 17) ^ v2;
    v2 = std::rotl(v2, 32);
  }
  void take(std::uint64_t word) {
    v3 ^= word;
    round();
    round();
    v0 ^= word;
  }
};

}  // namespace

std::uint64_t siphash(const HashKey& key, std::string_view text) {
  const std::uint64_t k0 = load(key.data()), k1 = load(key.data() + 8);
  // "somepseudorandomlygeneratedbytes": the paper's constants.
  Sip sip{k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d, k0 ^ 0x6c7967656e657261,
          k1 ^ 0x7465646279746573};
  const std::uint64_t size = text.size();
  for (; text.size() >= 8; text.remove_prefix(8)) sip.take(load(text.data()));
  std::uint64_t last = size << 56;
  for (std::size_t i = 0; i < text.size(); ++i)
    last |= std::uint64_t{static_cast<unsigned char>(text[i])} << (8 * i);
  sip.take(last);
  sip.v2 ^= 0xff;
  for (int i = 0; i < 4; ++i) sip.round();
  return sip.v0 ^ sip.v1 ^ sip.v2 ^ sip.v3;
}

std::size_t KeyedHash::operator()(std::string_view text) const {
  static const HashKey key = [] {
    HashKey drawn{};
    store::random_bytes(drawn);
    return drawn;
  }();
  return siphash(key, text);
}

}  // namespace rollcall::net::inline wire
