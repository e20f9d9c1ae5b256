// Frames of a client, written and read by hand.
#include "tests/support/far_end.h"

#include <linux/sockios.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <stdexcept>
#include <thread>
#include <utility>

namespace rollcall::test {
namespace {

constexpr std::array<char, 4> kMask{0x37, 0x7a, 0x21, 0x3d};
constexpr int kPatienceMs = 20'000;

}  // namespace

std::string client_frame(std::uint8_t first, std::string_view payload) {
  std::string out(1, static_cast<char>(first));
  const std::size_t n = payload.size();
  if (n < 126) {
    out += static_cast<char>(0x80U | n);
  } else {
    const unsigned bytes = n < 65'536 ? 2 : 8;
    out += static_cast<char>(0x80U | (bytes == 2 ? 126U : 127U));
    for (unsigned i = bytes; i-- > 0;) out += static_cast<char>(n >> (8 * i) & 0xFFU);
  }
  out.append(kMask.data(), kMask.size());
  for (std::size_t i = 0; i < n; ++i) out += static_cast<char>(payload[i] ^ kMask[i % 4]);
  return out;
}

std::string client_text(std::string_view text) { return client_frame(0x81, text); }

FarEnd::FarEnd(int kernel_bytes) {
  std::array<int, 2> pair{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()) != 0)
    throw std::runtime_error("no pair of sockets");
  mine_ = pair[0];
  theirs_ = pair[1];
  if (kernel_bytes != 0)
    (void)::setsockopt(theirs_, SOL_SOCKET, SO_SNDBUF, &kernel_bytes, sizeof kernel_bytes);
}

FarEnd::~FarEnd() {
  hang_up();
  if (theirs_ >= 0) ::close(theirs_);
}

int FarEnd::give_near() { return std::exchange(theirs_, -1); }

void FarEnd::hang_up() {
  if (mine_ >= 0) ::close(std::exchange(mine_, -1));
}

void FarEnd::send(std::string_view bytes) const {
  while (!bytes.empty()) {
    const ssize_t n = ::send(mine_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n <= 0) return;  // they have hung up: what they said before is there to be read
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}

void FarEnd::until_read() const {
  for (int unread = 1; ::ioctl(mine_, SIOCOUTQ, &unread) == 0 && unread != 0;)
    std::this_thread::yield();
}

bool FarEnd::fill() {
  pollfd wait{mine_, POLLIN, 0};
  if (::poll(&wait, 1, kPatienceMs) <= 0) throw std::runtime_error("nothing came");
  std::array<char, 16'384> buffer{};
  const ssize_t n = ::recv(mine_, buffer.data(), buffer.size(), 0);
  if (n <= 0) return false;
  in_.append(buffer.data(), static_cast<std::size_t>(n));
  return true;
}

std::optional<FarEnd::Frame> FarEnd::next() {
  const auto byte = [this](std::size_t i) { return static_cast<std::uint8_t>(in_[i]); };
  const auto need = [this](std::size_t n) {
    while (in_.size() < n)
      if (!fill()) {
        if (!in_.empty()) throw std::runtime_error("the stream ends within a frame");
        return false;
      }
    return true;
  };
  if (!need(2)) return std::nullopt;
  if ((byte(0) & 0xF0U) != 0x80 || (byte(1) & 0x80U) != 0)
    throw std::runtime_error("not a whole frame of a server");
  std::size_t size = byte(1), head = 2;
  if (size >= 126) {
    const std::size_t bytes = size == 126 ? 2 : 8;
    (void)need(head + bytes);
    size = 0;
    for (std::size_t i = 0; i < bytes; ++i) size = size << 8 | byte(head + i);
    head += bytes;
  }
  (void)need(head + size);
  Frame out{static_cast<std::uint8_t>(byte(0) & 0x0FU), in_.substr(head, size)};
  in_.erase(0, head + size);
  return out;
}

std::string FarEnd::text() {
  const auto frame = next();
  if (!frame || frame->opcode != 1)
    throw std::runtime_error(frame ? "not text, but opcode " + std::to_string(frame->opcode)
                                   : "not text, but the end");
  return frame->payload;
}

FarEnd::Frame FarEnd::until_close() {
  while (auto frame = next())
    if (frame->opcode == 8) return *frame;
  throw std::runtime_error("the end without a close frame");
}

std::uint16_t FarEnd::Frame::code() const {
  if (opcode != 8 || payload.size() < 2) return 0;
  return static_cast<std::uint16_t>(static_cast<std::uint8_t>(payload[0]) << 8 |
                                    static_cast<std::uint8_t>(payload[1]));
}

}  // namespace rollcall::test
