// The bytes of events: our records read by Cap'n Proto itself, and damage that must not be trusted.
#include "store/log/codec.h"

#include "event.capnp.h"
#include "tests/support/scratch.h"

#include <capnp/message.h>
#include <capnp/serialize.h>
#include <catch2/catch.hpp>

#include <cstring>

using namespace rollcall;
using namespace rollcall::store;

namespace {

engine::Header random_header(std::mt19937_64& rng) {
  engine::Header h;
  auto* words = reinterpret_cast<std::uint64_t*>(&h);
  for (std::size_t i = 0; i < sizeof h / 8; ++i) words[i] = rng();
  return h;
}

}  // namespace

TEST_CASE("a record is a Cap'n Proto message that the library reads field by field", "[store]") {
  const std::uint64_t seed = test::test_seed();
  INFO("reproduce with ROLLCALL_SEED=" << seed);
  std::mt19937_64 rng{seed};
  std::vector<engine::Header> headers;
  for (int i = 0; i < 64; ++i) headers.push_back(random_header(rng));
  headers[3] = engine::Header{};
  const Bytes bytes = encode_record(headers);
  std::vector<capnp::word> words(bytes.size() / 8);
  std::memcpy(words.data(), bytes.data(), bytes.size());
  const kj::ArrayPtr<const capnp::word> segment(words.data(), words.size());
  const kj::ArrayPtr<const capnp::word> segments[] = {segment};
  capnp::SegmentArrayMessageReader reader(kj::arrayPtr(segments, 1));
  const auto list = reader.getRoot<wire::Record>().getHeaders();
  REQUIRE(list.size() == 64);
  for (unsigned i = 0; i < 64; ++i) {
    const auto e = list[i];
    const engine::Header& h = headers[i];
    CHECK(e.getKind() == static_cast<std::uint8_t>(h.kind));
    CHECK(e.getCause() == static_cast<std::uint8_t>(h.cause));
    CHECK(e.getFlags() == h.flags);
    CHECK(e.getUser() == h.user);
    CHECK(e.getSeq() == h.seq);
    CHECK(e.getAtMicros() == h.at);
    CHECK(e.getSession() == h.session);
    CHECK(e.getPrev() == h.prev);
    CHECK(e.getKeyEpoch() == h.epoch);
    CHECK(e.getBodyLength() == h.body_len);
    CHECK(e.getA() == h.a);
    CHECK(e.getB() == h.b);
    CHECK(e.getC() == h.c);
    CHECK(e.getD() == h.d);
    const std::array<std::uint64_t, 4> digest{e.getDigest0(), e.getDigest1(), e.getDigest2(),
                                              e.getDigest3()};
    CHECK(std::memcmp(digest.data(), h.digest.data(), 32) == 0);
  }
  const auto view = RecordView::open(bytes).value();
  for (std::size_t i = 0; i < 64; ++i) {
    CHECK(view.header(i) == headers[i]);
    CHECK(Bytes(view.leaf(i).begin(), view.leaf(i).end()) == encode_header(headers[i]));
  }
}

TEST_CASE("a record whose first words do not fit its length is refused", "[store]") {
  const Bytes good = encode_record(std::vector<engine::Header>(3));
  REQUIRE(RecordView::open(good));
  for (std::size_t i = 0; i < kRecordPrefix; ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      Bytes bad = good;
      bad[i] ^= static_cast<std::uint8_t>(1 << bit);
      CHECK_FALSE(RecordView::open(bad));
    }
  }
  for (std::size_t n = 0; n < good.size(); ++n)
    CHECK_FALSE(RecordView::open(ByteView(good).first(n)));
}

TEST_CASE("a longer header of a later version stays readable", "[store]") {
  Bytes bytes(kRecordPrefix + 2 * 120);
  const std::array<std::uint64_t, 3> prefix{
      std::uint64_t{1} << 48, 1 | (std::uint64_t{7} << 32) | (std::uint64_t{30} << 35),
      (2U << 2) | (std::uint64_t{15} << 32)};
  std::memcpy(bytes.data(), prefix.data(), 24);
  bytes[24 + 120 + 8] = 42;  // the second header's seq
  const auto view = RecordView::open(bytes).value();
  CHECK(view.count() == 2);
  CHECK(view.leaf(1).size() == 120);
  CHECK(view.header(1).seq == 42);
}

TEST_CASE("a body survives its packing, compression and sealing", "[store][property]") {
  const std::uint64_t seed = test::test_seed();
  INFO("reproduce with ROLLCALL_SEED=" << seed);
  std::mt19937_64 rng{seed};
  for (int round = 0; round < 200; ++round) {
    engine::Body body;
    for (std::string* text :
         {&body.name, &body.action, &body.description, &body.log_name, &body.target_type,
          &body.target_id, &body.properties, &body.changes, &body.address, &body.agent,
          &body.device, &body.request_id, &body.batch, &body.external_key, &body.status_text,
          &body.emoji, &body.reason, &body.ticket, &body.detail}) {
      if (test::below(rng, 2) == 0) continue;
      const auto n = test::below(rng, 300);
      for (std::uint64_t i = 0; i < n; ++i) *text += static_cast<char>(1 + test::below(rng, 255));
    }
    body.occurred_at = static_cast<engine::Micros>(rng());
    const Bytes plain = encode_body(body).value();
    CHECK(decode_body(plain).value() == body);
    const Bytes packed = compress_body(plain);
    CHECK(decompress_body(packed, kDictionaryVersion, plain.size()).value() == plain);
    CHECK_FALSE(decompress_body(packed, kDictionaryVersion, plain.size() + 1));
  }
  engine::Body large;
  large.description.assign(kBodySizeMax, 'x');
  CHECK_FALSE(encode_body(large));
  CHECK_FALSE(decompress_body(compress_body(Bytes(10)), 9, 10));
}

TEST_CASE("messages of the stream, one behind the other, are read by Cap'n Proto itself",
          "[store]") {
  const std::uint64_t seed = test::test_seed();
  INFO("reproduce with ROLLCALL_SEED=" << seed);
  std::mt19937_64 rng{seed};
  const engine::Header header = random_header(rng);
  engine::Body body;
  body.description = "paid – ✓";
  body.target_id = "7";
  body.occurred_at = 42;
  Bytes all = encode_stream_event(header, "Zoë", "order.paid", &body);
  for (const Bytes& more :
       {encode_stream_event(header, "", "", nullptr),
        encode_presence_changed({"ida", "login", engine::Presence::Away, engine::Presence::Offline,
                                 1'700'000'000'000'000, 17})})
    all.insert(all.end(), more.begin(), more.end());
  REQUIRE(all.size() % sizeof(capnp::word) == 0);
  std::vector<capnp::word> words(all.size() / sizeof(capnp::word));
  std::memcpy(words.data(), all.data(), all.size());
  kj::ArrayPtr<const capnp::word> rest(words.data(), words.size());
  {
    capnp::FlatArrayMessageReader reader(rest);
    const auto event = reader.getRoot<wire::StreamMessage>().getEvent();
    CHECK(event.getHeader().getSeq() == header.seq);
    CHECK(event.getHeader().getKind() == static_cast<std::uint8_t>(header.kind));
    CHECK(event.getHeader().getAtMicros() == header.at);
    CHECK(event.getHeader().getD() == header.d);
    CHECK(std::string(event.getUser().cStr()) == "Zoë");
    CHECK(std::string(event.getAction().cStr()) == "order.paid");
    CHECK(std::string(event.getBody().getDescription().cStr()) == body.description);
    CHECK(std::string(event.getBody().getTargetId().cStr()) == "7");
    CHECK(event.getBody().getOccurredAt() == 42);
    rest = kj::ArrayPtr<const capnp::word>(reader.getEnd(), words.data() + words.size());
  }
  {
    capnp::FlatArrayMessageReader reader(rest);
    const auto event = reader.getRoot<wire::StreamMessage>().getEvent();
    CHECK(event.getHeader().getSeq() == header.seq);
    CHECK_FALSE(event.hasBody());
    CHECK_FALSE(event.hasUser());
    rest = kj::ArrayPtr<const capnp::word>(reader.getEnd(), words.data() + words.size());
  }
  capnp::FlatArrayMessageReader reader(rest);
  const auto change = reader.getRoot<wire::StreamMessage>().getPresenceChanged();
  CHECK(std::string(change.getUser().cStr()) == "ida");
  CHECK(change.getState() == wire::PresenceState::AWAY);
  CHECK(change.getPrevious() == wire::PresenceState::OFFLINE);
  CHECK(std::string(change.getCause().cStr()) == "login");
  CHECK(change.getAtMicros() == 1'700'000'000'000'000);
  CHECK(change.getSeq() == 17);
  CHECK(reader.getEnd() == words.data() + words.size());
}
