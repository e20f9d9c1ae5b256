// The far end of a connection: a client of a WebSocket that is established already.
//
// Why this file exists: what a shard does with a connection is tested on a pair of sockets, without
// a listener and a handshake; this speaks frames by hand, so that it can also speak them wrongly.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace rollcall::test {

/// A client's frame: masked. `first` is the whole first byte, FIN and all.
[[nodiscard]] std::string client_frame(std::uint8_t first, std::string_view payload);
[[nodiscard]] std::string client_text(std::string_view text);

class FarEnd {
 public:
  /// `kernel_bytes`: about how much the system holds of what is not read here; 0: the usual.
  explicit FarEnd(int kernel_bytes = 0);
  ~FarEnd();
  FarEnd(const FarEnd&) = delete;
  FarEnd& operator=(const FarEnd&) = delete;

  /// The other socket of the pair, for whoever is tested: it is theirs from now on.
  [[nodiscard]] int give_near();

  void send(std::string_view bytes) const;
  void say(std::string_view text) const { send(client_text(text)); }
  /// Until the other side has read all that was sent.
  void until_read() const;

  struct Frame {
    std::uint8_t opcode = 0;
    std::string payload;
    [[nodiscard]] std::uint16_t code() const;  ///< of a close frame; 0 where it says none
  };
  /// The next frame, waited for; nothing at the end of the stream. Fails a test that waits 20 s.
  std::optional<Frame> next();
  /// The text of the next frame, which must be one of text.
  std::string text();
  /// Reads up to the close frame, which it returns, and leaves what came before it out.
  Frame until_close();
  /// Breaks off: no close frame.
  void hang_up();

 private:
  bool fill();
  int mine_ = -1, theirs_ = -1;
  std::string in_;
};

}  // namespace rollcall::test
