// The bytes of events: log records and bodies, as store/log/event.capnp declares them.
//
// Why this file exists: only codec.cc sees both the plain values and the wire form. A record is one
// Cap'n Proto message without segment table: three constant-shaped words (root, list pointer, tag)
// followed by the headers. The tag states count and stride; it is compared with the record's
// length before it is trusted. Messages sent over a WebSocket have the same schema, with a
// segment table.
#pragma once

#include "engine/event.h"
#include "engine/state.h"
#include "store/bytes/bytes.h"
#include "store/bytes/errc.h"

namespace rollcall::store::inline log {

inline constexpr std::size_t kHeaderSize = sizeof(engine::Header);
inline constexpr std::size_t kRecordPrefix = 24;
inline constexpr std::size_t kRecordHeadersMax = 64;
inline constexpr std::size_t kBodySizeMax = 64 * 1024;

[[nodiscard]] Bytes encode_record(std::span<const engine::Header> headers);

/// A record's headers without copying. `bytes` must outlive it.
class RecordView {
 public:
  static Result<RecordView> open(ByteView bytes);
  [[nodiscard]] std::size_t count() const { return count_; }
  /// The element's data section as stored: the Merkle leaf.
  [[nodiscard]] ByteView leaf(std::size_t i) const {
    return bytes_.subspan(kRecordPrefix + i * stride_, stride_);
  }
  [[nodiscard]] engine::Header header(std::size_t i) const;

 private:
  ByteView bytes_;
  std::size_t count_ = 0;
  std::size_t stride_ = kHeaderSize;
};

/// A header from a leaf's bytes (at least 112; fields that a later version added are ignored).
[[nodiscard]] engine::Header decode_header(ByteView leaf);
[[nodiscard]] Bytes encode_header(const engine::Header& header);

/// Whether every text of a body is valid UTF-8, as the wire and JSON need it.
[[nodiscard]] Result<void> check_body_texts(const engine::Body& body);
/// The plain body: a packed Cap'n Proto message.
[[nodiscard]] Result<Bytes> encode_body(const engine::Body& body);
[[nodiscard]] Result<engine::Body> decode_body(ByteView plain);

/// Zstandard with the shipped dictionary `version` (1…15); 0 leaves the bytes as they are.
inline constexpr std::uint16_t kDictionaryVersion = 1;
[[nodiscard]] Bytes compress_body(ByteView plain);
[[nodiscard]] Result<Bytes> decompress_body(ByteView compressed, std::uint16_t version,
                                            std::size_t plain_size);

/// A StreamMessage in Cap'n Proto's stream framing (segment table and segment); concatenated, they
/// form a stream. `body`: null if there is none to show.
[[nodiscard]] Bytes encode_stream_event(const engine::Header& header, const std::string& user,
                                        const std::string& action, const engine::Body* body);
struct PresenceChange {
  std::string user, cause;
  engine::Presence state, previous;
  engine::Micros at;
  engine::Seq seq;
};
[[nodiscard]] Bytes encode_presence_changed(const PresenceChange& change);

}  // namespace rollcall::store::inline log
