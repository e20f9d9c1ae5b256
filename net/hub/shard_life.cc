// The look each second at who is still alive, closing, and the drain.
#include "net/hub/liveness.h"
#include "net/hub/shard_impl.h"
#include "net/loop/clock.h"
#include "net/wire/frame.h"
#include "net/wire/pusher_message.h"

#include <sys/socket.h>

#include <algorithm>

namespace rollcall::net::inline hub {
namespace {

constexpr std::uint32_t kCloseWaitSeconds = 2;  ///< for the other side of a close
/// For one that is owed something before the close frame: until it takes some, and all in all.
constexpr std::uint32_t kOwedWaitSeconds = 30;
constexpr std::uint32_t kOwedMostSeconds = 120;
constexpr auto kDrainSlice = std::chrono::milliseconds(50);

}  // namespace

void Shard::close_saying(Connection& connection, std::uint16_t code, std::string_view reason,
                         Protocol::End end) {
  // The close frame says it, too: where an error would have to wait it is left out.
  if (!connection.blocked) send_message(connection, message::error(code, reason));
  close(connection, code, reason, end);
}

void Shard::close(Connection& connection, std::uint16_t code, std::string_view reason,
                  Protocol::End end) {
  if (connection.closed || connection.closing) return;
  const std::string bytes = close_frame(code, reason);
  connection.closing = true;
  look_[connection.place] = 0;
  connection.heard_s = connection.spoke_s = now_s_;
  if (connection.blocked) {
    connection.out += bytes;
  } else {
    const ssize_t n =
        ::send(connection.fd, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < static_cast<ssize_t>(bytes.size())) {
      connection.out += std::string_view(bytes).substr(n > 0 ? static_cast<std::size_t>(n) : 0);
      watch(connection, true);
    } else {
      ::shutdown(connection.fd, SHUT_WR);
    }
  }
  closed_.emplace_back(&connection, end);  // the protocol is told at the end of this turn
}

void Shard::tick() {
  now_s_ = static_cast<std::uint32_t>(now_ms_() / 1000) + 1;
  scan();
  reap();
  inner_->second.expires_at(next_beat(std::chrono::seconds(1)));
  inner_->second.async_wait([this](const boost::system::error_code& ec) {
    if (!ec) tick();
  });
}

void Shard::scan() {
  for (std::size_t i = 0; i < list_.size(); ++i) {
    if (look_[i] > now_s_) continue;
    Connection& c = *list_[i];
    if (c.closed) continue;
    const AppSettings& app = c.tenant->settings();
    if (c.closing) {
      const std::uint32_t wait = c.out.empty() ? kCloseWaitSeconds : kOwedWaitSeconds;
      if (now_s_ - c.heard_s > wait || now_s_ - c.spoke_s > kOwedMostSeconds)
        mark_closed(c, Protocol::End::Abort);
      continue;
    }
    const bool waits_for_sign_in = app.sign_in_within_s != 0 && !c.authorized;
    if (waits_for_sign_in && now_s_ - c.opened_s > app.sign_in_within_s) {
      close_saying(c, 4009, "Connection not authorized within timeout", Protocol::End::Abort);
      continue;
    }
    const std::uint32_t patience = silence_most_s(app.activity_timeout_s);
    if (c.asked && now_s_ - c.spoke_s >= app.pong_timeout_s) {
      close_saying(c, 4201, "Pong reply not received in time", Protocol::End::Timeout);
      continue;
    }
    // One that talks and is not answered (client events are not) is asked as well.
    const std::uint32_t since = std::min(c.heard_s, c.spoke_s);
    if (!c.asked && now_s_ - since >= patience) {
      if (!c.answers_frames) send_message(c, message::ping());
      if (!c.closed && !c.closing) send(c, net::frame(Opcode::Ping, ""));
      if (c.closed || c.closing) continue;
      c.asked = true;
      c.spoke_s = now_s_;
    }
    look_[i] = c.asked ? c.spoke_s + std::min(app.pong_timeout_s, patience) : since + patience;
    if (waits_for_sign_in) look_[i] = std::min(look_[i], c.opened_s + app.sign_in_within_s + 1);
  }
}

void Shard::drain(std::chrono::milliseconds window, std::function<void()> done) {
  inner_->draining = true;
  inner_->drained = std::move(done);
  inner_->drain_end = std::chrono::steady_clock::now() + window;
  drain_slice();
}

void Shard::drain_slice() {
  const auto left = inner_->drain_end - std::chrono::steady_clock::now();
  const auto slices = static_cast<std::size_t>(std::max<std::int64_t>(1, left / kDrainSlice));
  std::size_t open = 0;
  for (const Connection* c : list_) open += c->closing || c->closed ? 0 : 1;
  std::size_t now = (open + slices - 1) / slices;
  for (std::size_t i = 0; i < list_.size() && now > 0; ++i) {
    Connection& c = *list_[i];
    if (c.closing || c.closed) continue;
    close(c, 4200, "the server restarts: connect again", Protocol::End::Drain);
    --now;
  }
  reap();
  if (!inner_->drained) return;
  if (left < -std::chrono::seconds(kCloseWaitSeconds)) {  // who does not answer is not waited for
    for (Connection* c : list_) mark_closed(*c, Protocol::End::Drain);
    reap();
    if (inner_->drained) std::exchange(inner_->drained, nullptr)();
    return;
  }
  inner_->drain.expires_after(kDrainSlice);
  inner_->drain.async_wait([this](const boost::system::error_code& ec) {
    if (!ec) drain_slice();
  });
}

}  // namespace rollcall::net::inline hub
