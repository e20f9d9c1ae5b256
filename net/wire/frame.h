// WebSocket frames (RFC 6455): a pure parser over bytes, and an encoder.
//
// Why this file exists: thousands of established connections share one read buffer, and what comes
// in is untrusted; a function from bytes to a frame can be fuzzed and tested without a socket.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace rollcall::net::inline wire {

enum class Opcode : std::uint8_t {
  Continuation = 0,
  Text = 1,
  Binary = 2,
  Close = 8,
  Ping = 9,
  Pong = 10,
};

struct Frame {
  bool fin = false;
  Opcode opcode = Opcode::Text;
  std::span<std::uint8_t> payload;  ///< unmasked, in the caller's buffer
  std::size_t size = 0;             ///< bytes of the whole frame
};

enum class FrameFault : std::uint8_t {
  None,
  Incomplete,  ///< more bytes are needed; so far nothing is wrong
  Protocol,    ///< close with 1002
  TooBig,      ///< close with 1009
};

/// The frame at the front of `bytes`, as a client must send it (masked). The payload is unmasked in
/// place only where the frame is whole. What can be refused from the first bytes is.
[[nodiscard]] FrameFault parse_frame(std::span<std::uint8_t> bytes, std::size_t payload_max,
                                     Frame& out);

/// A server's frame: not masked.
void append_frame(std::string& out, Opcode opcode, std::string_view payload);
[[nodiscard]] std::string frame(Opcode opcode, std::string_view payload);
[[nodiscard]] std::string close_frame(std::uint16_t code, std::string_view reason);

/// What a client's close frame says; 1005 without a code, nothing (0) where it is malformed.
[[nodiscard]] std::uint16_t close_code(std::span<const std::uint8_t> payload);

}  // namespace rollcall::net::inline wire
