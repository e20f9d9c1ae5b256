// Records by plain copies, bodies through Cap'n Proto and Zstandard.
#include "store/log/codec.h"

#include "event.capnp.h"
#include "store/bytes/utf8.h"
#include "store/log/dictionary.h"

#include <capnp/any.h>
#include <capnp/message.h>
#include <capnp/serialize-packed.h>
#include <capnp/serialize.h>
#include <fmt/format.h>
#include <kj/io.h>
#include <zstd.h>

#include <bit>
#include <cstring>
#include <memory>

namespace rollcall::store::inline log {
namespace {

static_assert(std::endian::native == std::endian::little,
              "headers are stored as they lie in memory");

// Cap'n Proto encoding: a struct pointer holds its data words in bits 32-47 and pointers in 48-63;
// a composite list pointer has type 1, element size 7 and its word count in bits 35-63; the tag is
// a struct pointer whose offset field is the element count.
constexpr std::uint64_t kRootWord = std::uint64_t{1} << 48;
constexpr std::uint64_t list_word(std::uint64_t words) {
  return 1 | (std::uint64_t{7} << 32) | (words << 35);
}
constexpr std::uint64_t tag_word(std::uint64_t count, std::uint64_t words) {
  return (count << 2) | (words << 32);
}

std::uint64_t word_at(ByteView bytes, std::size_t i) {
  std::uint64_t word = 0;
  std::memcpy(&word, bytes.data() + i * 8, 8);
  return word;
}

/// Every text field of a body, once: (value member, builder setter, reader getter).
#define RC_BODY_TEXTS(X)       \
  X(name, Name)                \
  X(action, Action)            \
  X(description, Description)  \
  X(log_name, LogName)         \
  X(target_type, TargetType)   \
  X(target_id, TargetId)       \
  X(properties, Properties)    \
  X(changes, Changes)          \
  X(address, Address)          \
  X(agent, Agent)              \
  X(device, Device)            \
  X(request_id, RequestId)     \
  X(batch, Batch)              \
  X(external_key, ExternalKey) \
  X(status_text, StatusText) X(emoji, Emoji) X(reason, Reason) X(ticket, Ticket) X(detail, Detail)

/// Cap'n Proto wants the zero behind a text, which a string has and a view may not have.
capnp::Text::Reader text_of(const std::string& text) { return {text.data(), text.size()}; }

void set_body(wire::Body::Builder builder, const engine::Body& body) {
#define RC_SET(member, Accessor) \
  if (!body.member.empty()) builder.set##Accessor(text_of(body.member));
  RC_BODY_TEXTS(RC_SET)
#undef RC_SET
  builder.setOccurredAt(body.occurred_at);
}

Bytes stream_bytes(capnp::MallocMessageBuilder& message) {
  const auto words = capnp::messageToFlatArray(message);
  const auto bytes = words.asBytes();
  return Bytes(bytes.begin(), bytes.end());
}

struct FreeDict {
  void operator()(ZSTD_CDict* d) const { ZSTD_freeCDict(d); }
  void operator()(ZSTD_DDict* d) const { ZSTD_freeDDict(d); }
  void operator()(ZSTD_CCtx* c) const { ZSTD_freeCCtx(c); }
  void operator()(ZSTD_DCtx* c) const { ZSTD_freeDCtx(c); }
};

}  // namespace

Bytes encode_record(std::span<const engine::Header> headers) {
  constexpr std::uint64_t stride_words = kHeaderSize / 8;
  Bytes out(kRecordPrefix + headers.size() * kHeaderSize);
  const std::array<std::uint64_t, 3> prefix{kRootWord, list_word(headers.size() * stride_words),
                                            tag_word(headers.size(), stride_words)};
  std::memcpy(out.data(), prefix.data(), kRecordPrefix);
  if (!headers.empty())
    std::memcpy(out.data() + kRecordPrefix, headers.data(), headers.size() * kHeaderSize);
  return out;
}

Result<RecordView> RecordView::open(ByteView bytes) {
  if (bytes.size() < kRecordPrefix || bytes.size() % 8 != 0) {
    return Error{Errc::Tampered,
                 fmt::format("a log record of {} bytes is no record", bytes.size())};
  }
  const std::uint64_t tag = word_at(bytes, 2);
  const std::uint64_t stride_words = (tag >> 32) & 0xFFFF;
  const std::uint64_t count = (tag & 0xFFFFFFFF) >> 2;
  const std::uint64_t words = bytes.size() / 8 - 3;
  if (word_at(bytes, 0) != kRootWord || word_at(bytes, 1) != list_word(words) ||
      stride_words < kHeaderSize / 8 || count == 0 || count > kRecordHeadersMax ||
      count * stride_words != words || tag != tag_word(count, stride_words)) {
    return Error{Errc::Tampered, "a log record's first three words do not fit its length"};
  }
  RecordView view;
  view.bytes_ = bytes;
  view.count_ = count;
  view.stride_ = stride_words * 8;
  return view;
}

engine::Header RecordView::header(std::size_t i) const { return decode_header(leaf(i)); }

engine::Header decode_header(ByteView leaf) {
  engine::Header header;
  if (leaf.size() >= kHeaderSize) std::memcpy(&header, leaf.data(), kHeaderSize);
  return header;
}

Bytes encode_header(const engine::Header& header) {
  Bytes out(kHeaderSize);
  std::memcpy(out.data(), &header, kHeaderSize);
  return out;
}

Result<void> check_body_texts(const engine::Body& body) {
#define RC_CHECK_TEXT(member, Accessor)                                         \
  if (!valid_utf8(body.member)) {                                               \
    return Error{Errc::BadInput, "the event's " #member " is not valid UTF-8"}; \
  }
  RC_BODY_TEXTS(RC_CHECK_TEXT)
#undef RC_CHECK_TEXT
  return {};
}

Result<Bytes> encode_body(const engine::Body& body) {
  std::size_t words = 64;
#define RC_COUNT(member, Accessor) words += body.member.size() / 8 + 2;
  RC_BODY_TEXTS(RC_COUNT)
#undef RC_COUNT
  if (words * 8 > kBodySizeMax) {
    return Error{Errc::BadInput,
                 fmt::format("the event's texts are larger than {} bytes", kBodySizeMax)};
  }
  capnp::MallocMessageBuilder message(static_cast<capnp::uint>(words));
  set_body(message.initRoot<wire::Body>(), body);
  const auto segments = message.getSegmentsForOutput();
  if (segments.size() != 1) return Error{Errc::Io, "a body needed a second segment"};
  kj::VectorOutputStream stream;
  {
    kj::BufferedOutputStreamWrapper buffered(stream);
    capnp::_::PackedOutputStream packed(buffered);
    packed.write(segments[0].begin(), segments[0].asBytes().size());
  }
  const auto bytes = stream.getArray();
  return Bytes(bytes.begin(), bytes.end());
}

Result<engine::Body> decode_body(ByteView plain) {
  try {
    kj::ArrayInputStream stream(kj::arrayPtr(plain.data(), plain.size()));
    capnp::_::PackedInputStream packed(stream);
    thread_local std::vector<capnp::word> words(kBodySizeMax / sizeof(capnp::word));
    std::size_t bytes = 0;  // the unpacked length is not told: read until the input ends
    while (bytes < kBodySizeMax) {
      const std::size_t n =
          packed.tryRead(reinterpret_cast<char*>(words.data()) + bytes, 8, kBodySizeMax - bytes);
      if (n == 0) break;
      bytes += n;
    }
    const kj::ArrayPtr<const capnp::word> segment(words.data(), bytes / sizeof(capnp::word));
    const kj::ArrayPtr<const capnp::word> segments[] = {segment};
    capnp::ReaderOptions options;
    options.traversalLimitInWords = kBodySizeMax;
    options.nestingLimit = 4;
    capnp::SegmentArrayMessageReader reader(kj::arrayPtr(segments, 1), options);
    const auto root = reader.getRoot<wire::Body>();
    engine::Body body;
#define RC_GET(member, Accessor)                   \
  if (root.has##Accessor()) {                      \
    const auto text = root.get##Accessor();        \
    body.member.assign(text.begin(), text.size()); \
  }
    RC_BODY_TEXTS(RC_GET)
#undef RC_GET
    body.occurred_at = root.getOccurredAt();
    return body;
  } catch (const kj::Exception& e) {
    return Error{Errc::Tampered,
                 fmt::format("a body cannot be decoded: {}", e.getDescription().cStr())};
  }
}

Bytes compress_body(ByteView plain) {
  static const std::unique_ptr<ZSTD_CDict, FreeDict> dict{
      ZSTD_createCDict(dictionary_v1().data(), dictionary_v1().size(), 1)};
  thread_local const std::unique_ptr<ZSTD_CCtx, FreeDict> ctx{[] {
    ZSTD_CCtx* c = ZSTD_createCCtx();
    ZSTD_CCtx_setParameter(c, ZSTD_c_contentSizeFlag, 0);
    ZSTD_CCtx_setParameter(c, ZSTD_c_dictIDFlag, 0);
    return c;
  }()};
  ZSTD_CCtx_refCDict(ctx.get(), dict.get());
  Bytes out(ZSTD_compressBound(plain.size()));
  const std::size_t n =
      ZSTD_compress2(ctx.get(), out.data(), out.size(), plain.data(), plain.size());
  if (ZSTD_isError(n)) std::abort();  // the buffer has the bound's size: cannot happen
  out.resize(n);
  return out;
}

Result<Bytes> decompress_body(ByteView compressed, std::uint16_t version, std::size_t plain_size) {
  if (plain_size > kBodySizeMax)
    return Error{Errc::Tampered, "a body longer than any that is written"};
  if (version == 0) return Bytes(compressed.begin(), compressed.end());
  if (version != kDictionaryVersion) {
    return Error{
        Errc::Incomplete,
        fmt::format("a body needs dictionary {}, which this version does not have", version)};
  }
  static const std::unique_ptr<ZSTD_DDict, FreeDict> dict{
      ZSTD_createDDict(dictionary_v1().data(), dictionary_v1().size())};
  thread_local const std::unique_ptr<ZSTD_DCtx, FreeDict> ctx{ZSTD_createDCtx()};
  Bytes out(plain_size);
  const std::size_t n = ZSTD_decompress_usingDDict(
      ctx.get(), out.data(), out.size(), compressed.data(), compressed.size(), dict.get());
  if (ZSTD_isError(n) || n != plain_size)
    return Error{Errc::Tampered, "a body does not decompress to its length"};
  return out;
}

Bytes encode_stream_event(const engine::Header& header, const std::string& user,
                          const std::string& action, const engine::Body* body) {
  capnp::MallocMessageBuilder message;
  auto event = message.initRoot<wire::StreamMessage>().initEvent();
  auto data = capnp::AnyStruct::Builder(event.initHeader()).getDataSection();
  static_assert(sizeof header == kHeaderSize);
  if (data.size() >= sizeof header) std::memcpy(data.begin(), &header, sizeof header);
  if (!user.empty()) event.setUser(text_of(user));
  if (!action.empty()) event.setAction(text_of(action));
  if (body != nullptr) set_body(event.initBody(), *body);
  return stream_bytes(message);
}

Bytes encode_presence_changed(const PresenceChange& change) {
  static_assert(
      static_cast<int>(wire::PresenceState::OFFLINE) ==
          static_cast<int>(engine::Presence::Offline) &&
      static_cast<int>(wire::PresenceState::ONLINE) == static_cast<int>(engine::Presence::Online) &&
      static_cast<int>(wire::PresenceState::AWAY) == static_cast<int>(engine::Presence::Away));
  capnp::MallocMessageBuilder message;
  auto out = message.initRoot<wire::StreamMessage>().initPresenceChanged();
  out.setUser(text_of(change.user));
  out.setState(static_cast<wire::PresenceState>(change.state));
  out.setPrevious(static_cast<wire::PresenceState>(change.previous));
  out.setCause(text_of(change.cause));
  out.setAtMicros(change.at);
  out.setSeq(change.seq);
  return stream_bytes(message);
}

}  // namespace rollcall::store::inline log
