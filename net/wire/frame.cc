// Parsing and writing of frames.
#include "net/wire/frame.h"

#include "store/bytes/utf8.h"

#include <cstring>

namespace rollcall::net::inline wire {
namespace {

void unmask(std::span<std::uint8_t> payload, const std::uint8_t* key) {
  std::uint64_t wide = 0;
  for (int i = 0; i < 8; ++i) reinterpret_cast<std::uint8_t*>(&wide)[i] = key[i % 4];
  std::size_t i = 0;
  for (; i + 8 <= payload.size(); i += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, payload.data() + i, 8);
    word ^= wide;
    std::memcpy(payload.data() + i, &word, 8);
  }
  for (; i < payload.size(); ++i) payload[i] = static_cast<std::uint8_t>(payload[i] ^ key[i % 4]);
}

}  // namespace

[[gnu::hot]] FrameFault parse_frame(std::span<std::uint8_t> bytes, std::size_t payload_max,
                                    Frame& out) {
  if (bytes.empty()) return FrameFault::Incomplete;
  const std::uint8_t first = bytes[0];
  if ((first & 0x70) != 0) return FrameFault::Protocol;  // no extension was agreed on
  const auto opcode = static_cast<std::uint8_t>(first & 0x0F);
  const bool control = (opcode & 8) != 0;
  if (opcode > 10 || (opcode > 2 && opcode < 8)) return FrameFault::Protocol;
  out.fin = (first & 0x80) != 0;
  out.opcode = static_cast<Opcode>(opcode);
  if (control && !out.fin) return FrameFault::Protocol;
  if (bytes.size() < 2) return FrameFault::Incomplete;
  if ((bytes[1] & 0x80) == 0) return FrameFault::Protocol;  // a client must mask
  std::uint64_t length = bytes[1] & 0x7F;
  if (control && length > 125) return FrameFault::Protocol;
  std::size_t at = 2;
  if (length >= 126) {
    const std::size_t width = length == 126 ? 2 : 8;
    if (bytes.size() < at + width) return FrameFault::Incomplete;
    length = 0;
    for (std::size_t i = 0; i < width; ++i) length = (length << 8) | bytes[at + i];
    at += width;
    const bool shortest = width == 2 ? length >= 126 : length > 0xFFFF;
    if (!shortest || (length >> 63) != 0) return FrameFault::Protocol;
  }
  if (length > payload_max) return FrameFault::TooBig;
  if (bytes.size() < at + 4 || bytes.size() - at - 4 < length) return FrameFault::Incomplete;
  out.payload = bytes.subspan(at + 4, static_cast<std::size_t>(length));
  unmask(out.payload, bytes.data() + at);
  out.size = at + 4 + static_cast<std::size_t>(length);
  return FrameFault::None;
}

void append_frame(std::string& out, Opcode opcode, std::string_view payload) {
  out += static_cast<char>(0x80 | static_cast<std::uint8_t>(opcode));
  if (payload.size() < 126) {
    out += static_cast<char>(payload.size());
  } else {
    const std::size_t width = payload.size() <= 0xFFFF ? 2 : 8;
    out += static_cast<char>(width == 2 ? 126 : 127);
    for (std::size_t i = width; i-- > 0;)
      out += static_cast<char>((static_cast<std::uint64_t>(payload.size()) >> (8 * i)) & 0xFF);
  }
  out += payload;
}

std::string frame(Opcode opcode, std::string_view payload) {
  std::string out;
  out.reserve(payload.size() + 10);
  append_frame(out, opcode, payload);
  return out;
}

std::string close_frame(std::uint16_t code, std::string_view reason) {
  std::string payload{static_cast<char>(code >> 8), static_cast<char>(code & 0xFF)};
  payload += reason.substr(0, 123);
  return frame(Opcode::Close, payload);
}

std::uint16_t close_code(std::span<const std::uint8_t> payload) {
  if (payload.empty()) return 1005;
  if (payload.size() < 2) return 0;
  const auto code = static_cast<std::uint16_t>((payload[0] << 8) | payload[1]);
  const bool allowed = (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
                       (code >= 3000 && code <= 4999);
  const std::string_view reason(reinterpret_cast<const char*>(payload.data()) + 2,
                                payload.size() - 2);
  return allowed && store::valid_utf8(reason) ? code : std::uint16_t{0};
}

}  // namespace rollcall::net::inline wire
