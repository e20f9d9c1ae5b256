// WebSocket frames and the ring that they are sent from.
#include "net/wire/frame.h"

#include "net/wire/ring.h"
#include "tests/support/scratch.h"

#include <catch2/catch.hpp>

#include <chrono>
#include <map>

using namespace rollcall;
using namespace rollcall::net;

namespace {

std::vector<std::uint8_t> client_frame(std::string_view payload, std::uint8_t first = 0x81) {
  std::vector<std::uint8_t> out{first};
  const std::array<std::uint8_t, 4> mask{1, 2, 3, 4};
  if (payload.size() < 126) {
    out.push_back(static_cast<std::uint8_t>(0x80 | payload.size()));
  } else if (payload.size() <= 0xFFFF) {
    out.push_back(0x80 | 126);
    out.push_back(static_cast<std::uint8_t>(payload.size() >> 8));
    out.push_back(static_cast<std::uint8_t>(payload.size()));
  } else {
    out.push_back(0x80 | 127);
    for (int i = 7; i >= 0; --i)
      out.push_back(
          static_cast<std::uint8_t>(static_cast<std::uint64_t>(payload.size()) >> (8 * i)));
  }
  out.insert(out.end(), mask.begin(), mask.end());
  for (std::size_t i = 0; i < payload.size(); ++i)
    out.push_back(static_cast<std::uint8_t>(payload[i] ^ mask[i % 4]));
  return out;
}

}  // namespace

TEST_CASE("a frame is whole or asks for more, however it is cut", "[net]") {
  for (const std::size_t size : {0UL, 1UL, 125UL, 126UL, 65535UL, 65536UL}) {
    const std::string payload(size, 'p');
    const auto bytes = client_frame(payload);
    Frame frame;
    for (std::size_t cut = 0; cut < std::min<std::size_t>(bytes.size(), 20); ++cut) {
      auto part = std::vector<std::uint8_t>(bytes.begin(),
                                            bytes.begin() + static_cast<std::ptrdiff_t>(cut));
      CHECK(parse_frame(part, 1 << 20, frame) == FrameFault::Incomplete);
    }
    auto whole = bytes;
    REQUIRE(parse_frame(whole, 1 << 20, frame) == FrameFault::None);
    CHECK(frame.size == bytes.size());
    CHECK(std::string(frame.payload.begin(), frame.payload.end()) == payload);
  }
}

TEST_CASE("what a client may not send is refused from its first bytes", "[net]") {
  Frame frame;
  const auto fault = [&](std::vector<std::uint8_t> bytes) {
    return parse_frame(bytes, 1000, frame);
  };
  CHECK(fault({0xC1}) == FrameFault::Protocol);
  CHECK(fault({0x83}) == FrameFault::Protocol);
  CHECK(fault({0x09}) == FrameFault::Protocol);
  CHECK(fault({0x81, 0x02}) == FrameFault::Protocol);
  CHECK(fault({0x89, 0xFE}) == FrameFault::Protocol);
  CHECK(fault({0x81, 0xFE, 0, 125}) == FrameFault::Protocol);
  CHECK(fault({0x81, 0xFF, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF}) == FrameFault::Protocol);
  CHECK(fault({0x81, 0xFF, 0x80, 0, 0, 0, 0, 1, 0, 0}) == FrameFault::Protocol);
  CHECK(fault({0x81, 0xFE, 0x03, 0xE9}) == FrameFault::TooBig);
}

TEST_CASE("close codes that may not be sent are none", "[net]") {
  const auto code = [](std::initializer_list<int> bytes) {
    std::vector<std::uint8_t> v;
    for (const int b : bytes) v.push_back(static_cast<std::uint8_t>(b));
    return close_code(v);
  };
  CHECK(code({}) == 1005);
  CHECK(code({3}) == 0);
  CHECK(code({0x03, 0xE8}) == 1000);
  CHECK(code({0x03, 0xED}) == 0);
  CHECK(code({0x0F, 0xA1}) == 4001);
  CHECK(code({0x03, 0xE8, 0xFF}) == 0);
}

TEST_CASE("a ring gives everybody what they lack, and who is told to be left out nothing",
          "[net]") {
  Ring ring(100);
  Ring::Offset a = ring.end(), b = ring.end();
  ring.append("one", 7);
  ring.append("two");
  CHECK(ring.pending(a, 1) == "onetwo");
  CHECK(ring.pending(b, 7) == "two");
  CHECK(b == 3);
  ring.append("three", 7);
  ring.append("four");
  CHECK(ring.pending(b, 7) == "two");  // up to what is not for it
  b += 3;
  CHECK(ring.pending(b, 7) == "four");
  CHECK(ring.frame_end(4) == 6);
  ring.release(ring.end());
  CHECK(ring.frames() == 0);
}

TEST_CASE("a ring never holds more than it may, and drops whole frames", "[net]") {
  Ring ring(10);
  ring.append("123456");
  ring.append("abcdef");
  CHECK(ring.begin() == 6);
  ring.append(std::string(50, 'x'));
  Ring::Offset cursor = ring.begin();
  CHECK(ring.pending(cursor, 1) == std::string(50, 'x'));
}

TEST_CASE("whatever is appended, written in pieces and released, each gets its frames in order",
          "[net][property]") {
  const std::uint64_t seed = test::test_seed();
  INFO("reproduce with ROLLCALL_SEED=" << seed);
  std::mt19937_64 rng{seed};
  for (int round = 0; round < 200; ++round) {
    Ring ring(1 << 20);
    struct Reader {
      Ring::Offset cursor = 0;
      std::string got, wanted;
    };
    std::map<std::uint64_t, Reader> readers{{1, {}}, {2, {}}, {3, {}}};
    for (int step = 0; step < 100; ++step) {
      if (test::below(rng, 2) == 0) {
        const std::string frame(1 + test::below(rng, 9),
                                static_cast<char>('a' + test::below(rng, 26)));
        const std::uint64_t except = test::below(rng, 4);
        ring.append(frame, except);
        for (auto& [id, reader] : readers)
          if (id != except) reader.wanted += frame;
      } else {
        auto& [id, reader] =
            *std::next(readers.begin(), static_cast<std::ptrdiff_t>(test::below(rng, 3)));
        const auto data = ring.pending(reader.cursor, id);
        const auto take = data.size() - test::below(rng, data.size() + 1);
        reader.got += data.substr(0, take);
        reader.cursor += take;
        Ring::Offset least = ring.end();
        for (const auto& [other, r] : readers) least = std::min(least, r.cursor);
        ring.release(least);
      }
    }
    for (auto& [id, reader] : readers) {
      for (auto data = ring.pending(reader.cursor, id); !data.empty();
           data = ring.pending(reader.cursor, id)) {
        reader.got += data;
        reader.cursor += data.size();
      }
      REQUIRE(reader.got == reader.wanted);
    }
  }
}

TEST_CASE("thousands of frames that others do not get cost a cursor a search", "[net]") {
  constexpr int kFrames = 2100, kAsked = 2000;
  const auto fastest = [&](std::uint64_t except) {  // of many: the machine may be busy with others
    Ring ring(1 << 20);
    for (int i = 0; i < kFrames; ++i) ring.append("a frame of some bytes", except);
    auto best = std::chrono::nanoseconds::max();
    for (int round = 0; round < 20; ++round) {
      std::size_t got = 0;
      const auto begun = std::chrono::steady_clock::now();
      for (std::uint64_t i = 0; i < kAsked; ++i) {
        Ring::Offset cursor = ring.begin();
        got += ring.pending(cursor, 1000 + i).size();
      }
      best = std::min<std::chrono::nanoseconds>(best, std::chrono::steady_clock::now() - begun);
      REQUIRE(got == ring.end() * kAsked);
    }
    return best;
  };
  CHECK(fastest(7) < 15 * fastest(0));
}
