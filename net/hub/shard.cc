// Reading, writing and sweeping.
#include "net/hub/shard_impl.h"
#include "net/wire/frame.h"
#include "net/wire/pusher_message.h"
#include "store/bytes/crypto.h"
#include "store/bytes/utf8.h"

#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>

namespace rollcall::net::inline hub {
namespace {

constexpr std::size_t kReadBytes = 64 * 1024;
constexpr std::uint32_t kLargeMost = (1U << 25) - 1;  ///< what Connection::large can say

}  // namespace

Shard::Shard(unsigned index, const Settings& settings, std::int64_t (*now_ms)())
    : index_(index),
      settings_(settings),
      now_ms_(now_ms),
      inner_(std::make_unique<Inner>(loop_.io())) {
  std::uint32_t message_max = 0;
  for (const AppSettings& app : settings.apps) message_max = std::max(message_max, app.message_max);
  buffer_.resize(message_max + 16 + kReadBytes);
  std::array<std::uint8_t, 2> start{};
  store::random_bytes(start);  // where socket ids begin says nothing about how many there were
  next_number_ = static_cast<std::uint32_t>(start[0] << 8 | start[1]) + 1;
}

Shard::~Shard() {
  for (auto& [id, connection] : by_id_) ::close(connection->fd);
}

void Shard::run() {
  inner_->sends.emplace();
  if (!inner_->sends->together() && index_ == 0)
    spdlog::info("io_uring is not to be had: frames go out one by one");
  tick();
  loop_.run([this](std::span<const epoll_event> events) { ready(events); },
            [this] { turn_over(); });
}

void Shard::stop() { loop_.stop(); }

// What an idle client's ping runs through is marked hot here, in loop.cc, frame.cc and pusher.cc:
// the compiler lays it out side by side. Pings come milliseconds apart, when another program has
// had the processor: each page of code is then a miss.
[[gnu::hot]] void Shard::ready(std::span<const epoll_event> events) {
  for (const epoll_event& event : events) {
    auto& connection = *static_cast<Connection*>(event.data.ptr);
    if (connection.closed) continue;
    if ((event.events & (EPOLLIN | EPOLLHUP | EPOLLERR | EPOLLRDHUP)) != 0) readable(connection);
    if (!connection.closed && (event.events & EPOLLOUT) != 0) writable(connection);
  }
  reap();
}

void Shard::adopt(int fd, Tenant& tenant, std::string answer, std::string_view early,
                  std::string from) {
  auto owned = std::make_unique<Connection>();
  Connection& connection = *owned;
  connection.fd = fd;
  connection.tenant = &tenant;
  connection.heard_s = connection.spoke_s = connection.opened_s = now_s_;
  next_number_ = (next_number_ + 1) & 0x0FFFFFFF;
  if (next_number_ == 0) next_number_ = 1;
  connection.id = (std::uint64_t{next_number_ * kShardsMax + index_} << 32) | unguessable();
  connection.from = std::make_unique<std::string>(std::move(from));
  connection.place = static_cast<std::uint32_t>(list_.size());
  list_.push_back(&connection);
  look_.push_back(0);
  by_id_.emplace(connection.id, std::move(owned));
  count_ = list_.size();
  if (!loop_.add(fd, EPOLLIN | EPOLLRDHUP, &connection)) {
    connection.told = true;
    mark_closed(connection, Protocol::End::Abort);
    reap();
    return;
  }
  answer += protocol_->opened(connection);
  send(connection, answer);
  if (!connection.closed && !early.empty()) {
    if (early.size() <= buffer_.size()) {
      std::copy(early.begin(), early.end(), buffer_.begin());
      frames(connection, std::span(buffer_).first(early.size()));
    } else {
      close(connection, 1009, "too much at once", Protocol::End::Abort);
    }
  }
  reap();
}

std::uint32_t Shard::unguessable() {
  if (random_left_ == 0) {  // OpenSSL's price is for the call
    store::random_bytes(random_);
    random_left_ = random_.size();
  }
  random_left_ -= 4;
  return store::get_be32(std::span(random_).subspan(random_left_));
}

Connection* Shard::find(ConnectionId id) {
  const auto it = by_id_.find(id);
  return it == by_id_.end() || it->second->closed || it->second->closing ? nullptr
                                                                         : it->second.get();
}

[[gnu::hot]] void Shard::readable(Connection& connection) {
  std::size_t have = 0;
  if (connection.in) {
    have = connection.in->size();
    std::memcpy(buffer_.data(), connection.in->data(), have);
  }
  const ssize_t n = ::recv(connection.fd, buffer_.data() + have,
                           std::min(kReadBytes, buffer_.size() - have), MSG_DONTWAIT);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (n <= 0) {
    // Without a close frame before it, the end of the stream is a connection that was lost.
    mark_closed(connection, Protocol::End::Abort);
    return;
  }
  connection.in.reset();
  if (connection.closing) return;  // said already why; what still comes is thrown away
  connection.heard_s = now_s_;
  connection.asked = false;
  frames(connection, std::span(buffer_).first(have + static_cast<std::size_t>(n)));
}

[[gnu::hot]] void Shard::frames(Connection& connection, std::span<std::uint8_t> bytes) {
  while (!bytes.empty()) {
    Frame frame;
    switch (parse_frame(bytes, connection.tenant->settings().message_max, frame)) {
      case FrameFault::Incomplete:
        connection.in = std::make_unique<std::string>(reinterpret_cast<const char*>(bytes.data()),
                                                      bytes.size());
        return;
      case FrameFault::Protocol:
        close(connection, 1002, "not a frame a client may send", Protocol::End::Abort);
        return;
      case FrameFault::TooBig:
        close(connection, 1009, "message too big", Protocol::End::Abort);
        return;
      case FrameFault::None:
        break;
    }
    if (!handle(connection, frame) || connection.closed || connection.closing) return;
    bytes = bytes.subspan(frame.size);
  }
}

[[gnu::hot]] bool Shard::handle(Connection& connection, const Frame& frame) {
  const std::string_view payload(reinterpret_cast<const char*>(frame.payload.data()),
                                 frame.payload.size());
  switch (frame.opcode) {
    case Opcode::Ping:
      send(connection, net::frame(Opcode::Pong, payload));
      return true;
    case Opcode::Pong:
      connection.answers_frames = true;
      return true;
    case Opcode::Close: {
      const std::uint16_t code = close_code(frame.payload);
      close(connection, code == 0 ? 1002 : code == 1005 ? 1000 : code, "", Protocol::End::Clean);
      return false;
    }
    case Opcode::Binary:
      close(connection, 1003, "only text is spoken here", Protocol::End::Abort);
      return false;
    case Opcode::Text:
      if (connection.fragments) {
        close(connection, 1002, "a message inside a message", Protocol::End::Abort);
        return false;
      }
      if (!frame.fin) {
        connection.fragments = std::make_unique<std::string>(payload);
        return true;
      }
      break;
    case Opcode::Continuation:
      if (!connection.fragments) {
        close(connection, 1002, "a continuation of nothing", Protocol::End::Abort);
        return false;
      }
      if (connection.fragments->size() + payload.size() >
          connection.tenant->settings().message_max) {
        close(connection, 1009, "message too big", Protocol::End::Abort);
        return false;
      }
      connection.fragments->append(payload);
      if (!frame.fin) return true;
      break;
  }
  const auto whole = std::exchange(connection.fragments, nullptr);
  const std::string_view text = whole ? std::string_view(*whole) : payload;
  if (!store::valid_utf8(text)) {
    close(connection, 1007, "not UTF-8", Protocol::End::Abort);
    return false;
  }
  protocol_->message(connection, text);
  return true;
}

void Shard::watch(Connection& connection, bool for_writing) {
  connection.blocked = for_writing;
  loop_.change(connection.fd, EPOLLIN | EPOLLRDHUP | (for_writing ? EPOLLOUT : 0U), &connection);
}

[[gnu::hot]] void Shard::send(Connection& connection, std::string_view framed) {
  if (connection.closed || connection.closing) return;
  if (!connection.asked) connection.spoke_s = now_s_;
  if (!connection.blocked) {
    const ssize_t n =
        ::send(connection.fd, framed.data(), framed.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n == static_cast<ssize_t>(framed.size())) return;
    if (n < 0 && errno != EAGAIN && errno != EINTR) {
      mark_closed(connection, Protocol::End::Abort);
      return;
    }
    framed.remove_prefix(n > 0 ? static_cast<std::size_t>(n) : 0);
    watch(connection, true);
  }
  owe(connection, framed);
}

void Shard::owe(Connection& connection, std::string_view framed) {
  const std::size_t most = settings_.outbox_bytes;
  if (connection.out.size() - connection.large + framed.size() > most) {
    // A roster of thousands is one frame: it is owed whole however slow the line, once at a time.
    // (Of a frame that was begun at least this is still to come: out was empty then.)
    if (framed.size() <= most || connection.large != 0) {
      close(connection, 4100, "too slow: what must be told does not fit any more",
            Protocol::End::Abort);
      return;
    }
    connection.large =
        static_cast<std::uint32_t>(std::min<std::size_t>(framed.size(), kLargeMost)) & kLargeMost;
  }
  connection.out += framed;
}

void Shard::send_message(Connection& connection, std::string_view json) {
  send(connection, net::frame(Opcode::Text, json));
}

void Shard::writable(Connection& connection) {
  if (!connection.out.empty()) {
    const ssize_t n = ::send(connection.fd, connection.out.data(), connection.out.size(),
                             MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0) {
      if (errno != EAGAIN && errno != EINTR) mark_closed(connection, Protocol::End::Abort);
      return;
    }
    connection.out.erase(0, static_cast<std::size_t>(n));
    const std::uint32_t large = connection.large;
    connection.large = (large - std::min(large, static_cast<std::uint32_t>(n))) & kLargeMost;
    if (connection.closing) connection.heard_s = now_s_;  // it takes what it is owed: it lives
    if (!connection.out.empty()) return;
    connection.large = 0;
    std::string().swap(connection.out);
  }
  watch(connection, false);
  if (connection.closing) {
    ::shutdown(connection.fd, SHUT_WR);
    return;
  }
  for (std::size_t i = 0; i < connection.subscriptions.size(); ++i) {
    const Subscription& s = connection.subscriptions[i];
    if (s.channel == nullptr) continue;
    auto& subscriber = s.channel->subscribers[s.index];
    if (subscriber.cursor == s.channel->ring.end()) continue;
    if (!catch_up(*s.channel, subscriber)) return;
    if (!s.channel->dirty) {  // the sweep gives the bytes back if nobody else lacks them
      s.channel->dirty = true;
      dirty_.push_back(s.channel);
    }
  }
}

std::string_view Shard::lacks(LocalChannel& channel, LocalChannel::Subscriber& subscriber) {
  Connection& connection = *subscriber.connection;
  if (subscriber.cursor < channel.ring.begin()) {
    subscriber.cursor = channel.ring.end();
    protocol_->fell_behind(connection, channel.name);
    return {};
  }
  return channel.ring.pending(subscriber.cursor, connection.id);
}

bool Shard::took(LocalChannel& channel, LocalChannel::Subscriber& subscriber, std::size_t wanted,
                 ssize_t n) {
  Connection& connection = *subscriber.connection;
  if (n == static_cast<ssize_t>(wanted)) {
    subscriber.cursor += wanted;
    return true;
  }
  if (n < 0 && n != -EAGAIN && n != -EINTR) {
    mark_closed(connection, Protocol::End::Abort);
    return false;
  }
  if (n > 0) {  // a frame that was begun is finished before anything else is said
    subscriber.cursor += static_cast<Ring::Offset>(n);
    const Ring::Offset end = channel.ring.frame_end(subscriber.cursor);
    owe(connection, channel.ring.bytes(subscriber.cursor, end));
    subscriber.cursor = end;
  }
  watch(connection, true);
  return false;
}

bool Shard::catch_up(LocalChannel& channel, LocalChannel::Subscriber& subscriber) {
  const Connection& connection = *subscriber.connection;
  while (true) {
    const std::string_view data = lacks(channel, subscriber);
    if (data.empty()) return !connection.blocked && !connection.closed;
    const ssize_t n = ::send(connection.fd, data.data(), data.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (!took(channel, subscriber, data.size(), n < 0 ? -errno : n)) return false;
    if (subscriber.cursor == channel.ring.end()) return true;
  }
}

Ring::Offset Shard::catch_up_all(LocalChannel& channel) {
  Ring::Offset least = channel.ring.end();
  const auto note = [&least](const LocalChannel::Subscriber& subscriber) {
    if (!subscriber.connection->closed && !subscriber.connection->closing)
      least = std::min(least, subscriber.cursor);
  };
  // Connections lie all over memory: the next ones are fetched while the kernel takes a frame.
  constexpr std::size_t kAhead = 4;
  std::array<std::pair<LocalChannel::Subscriber*, std::size_t>, SendBatch::kSends> sent;
  SendBatch& batch = *inner_->sends;
  auto& all = channel.subscribers;
  for (std::size_t next = 0; next < all.size();) {
    while (next < all.size() && batch.size() < SendBatch::kSends) {
      if (next + kAhead < all.size()) __builtin_prefetch(all[next + kAhead].connection);
      auto& subscriber = all[next++];
      const Connection& connection = *subscriber.connection;
      std::string_view data;
      if (subscriber.cursor < channel.ring.end() && !connection.blocked && !connection.closed &&
          !connection.closing)
        data = lacks(channel, subscriber);
      if (data.empty()) {
        note(subscriber);
        continue;
      }
      sent[batch.size()] = {&subscriber, data.size()};
      batch.add(connection.fd, data);
    }
    const auto results = batch.run();
    for (std::size_t i = 0; i < results.size(); ++i) {
      auto& subscriber = *sent[i].first;
      if (took(channel, subscriber, sent[i].second, results[i]) &&
          subscriber.cursor != channel.ring.end())
        catch_up(channel, subscriber);  // a frame in between was not for it
      note(subscriber);
    }
  }
  return least;
}

void Shard::sweep() {
  Gathering& g = gathering_;
  const auto begun = std::chrono::steady_clock::now();
  // What is sent may close connections, whose leaving may not change the lists that are walked.
  for (std::size_t i = 0; i < dirty_.size(); ++i) {
    LocalChannel& channel = *dirty_[i];
    channel.dirty = false;
    channel.ring.release(catch_up_all(channel));
  }
  dirty_.clear();
  if (g.frames != 0) {
    g.frames = g.bytes = 0;
    g.last_sweep = std::chrono::steady_clock::now() - begun;
  }
  reap();
}

void Shard::mark_closed(Connection& connection, Protocol::End end) {
  if (connection.closed) return;
  connection.closed = true;
  closed_.emplace_back(&connection, end);
}

[[gnu::hot]] void Shard::reap() {
  if (closed_.empty() && !inner_->draining) return;
  for (std::size_t i = 0; i < closed_.size(); ++i) {
    const auto [connection, end] = closed_[i];
    if (!connection->told) {
      connection->told = true;
      protocol_->closed(*connection, end);
      while (!connection->subscriptions.empty()) {
        const LocalChannel* channel = connection->subscriptions.back().channel;
        if (channel == nullptr)
          connection->subscriptions.pop_back();
        else
          detach(*connection, channel->name);
      }
    }
  }
  for (const auto& [connection, end] : std::exchange(closed_, {})) {
    if (!connection->closed) continue;  // still waits for the other side's close
    loop_.remove(connection->fd);
    ::close(connection->fd);
    list_[connection->place] = list_.back();
    list_[connection->place]->place = connection->place;
    list_.pop_back();
    look_[connection->place] = look_.back();
    look_.pop_back();
    by_id_.erase(connection->id);
    count_ = list_.size();
  }
  if (inner_->draining && list_.empty() && inner_->drained) {
    inner_->drain.cancel();
    std::exchange(inner_->drained, nullptr)();
  }
}

}  // namespace rollcall::net::inline hub
