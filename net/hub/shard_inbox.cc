// What other threads tell a shard, in order: who is in which channel, and what is published there.
#include "net/hub/shard_impl.h"
#include "net/wire/pusher_message.h"

#include <algorithm>

namespace rollcall::net::inline hub {

Subscription* Shard::subscription(Connection& connection, std::string_view name) {
  for (Subscription& s : connection.subscriptions)
    if (name_of(s) == name) return &s;
  return nullptr;
}

Ticket Shard::await_place(Connection& connection, const std::string& name) {
  if (++last_ticket_ == 0) ++last_ticket_;
  connection.subscriptions.reserve(connection.subscriptions.size() + 1);
  connection.subscriptions.push_back(
      {nullptr, std::make_unique<std::string>(name), 0, last_ticket_});
  return last_ticket_;
}

void Shard::detach(Connection& connection, std::string_view name) {
  Subscription* found = subscription(connection, name);
  if (found == nullptr) return;
  if (LocalChannel* channel = found->channel) {
    auto& all = channel->subscribers;
    const std::uint32_t index = found->index;
    if (index + 1 != all.size()) {
      all[index] = all.back();
      for (Subscription& moved : all[index].connection->subscriptions)
        if (moved.channel == channel) moved.index = index;
    }
    all.pop_back();
  }
  if (found != &connection.subscriptions.back())
    *found = std::move(connection.subscriptions.back());
  connection.subscriptions.pop_back();
}

void Shard::deliver(Delivery delivery) {
  bool wake = false;
  {
    const store::Lock guard(inbox_mutex_);
    wake = inbox_.empty();
    inbox_.push_back(std::move(delivery));
  }
  if (wake) loop_.post([this] { drain_inbox(); });
}

void Shard::drain_inbox() {
  {
    const store::Lock guard(inbox_mutex_);
    std::swap(inbox_, taken_);
  }
  for (Delivery& delivery : taken_) handle_delivery(delivery);
  taken_.clear();
  reap();
}

[[gnu::hot]] void Shard::turn_over() {
  if (!dirty_.empty() && !gather()) sweep();
}

bool Shard::gather() {
  constexpr auto kWorthIt = std::chrono::milliseconds(1);  // of a sweep: below, nothing is gained
  constexpr auto kLongest = std::chrono::milliseconds(10);
  // Enough for a write: 64 frames of a usual size. With less the number of writes still counts,
  // with more the kernel would hold it for every subscriber.
  constexpr std::size_t kBytesMost = 16 * 1024;
  Gathering& g = gathering_;
  if (g.frames < 2 || g.bytes >= kBytesMost || g.last_sweep < kWorthIt) return false;
  const auto until =
      g.first + std::min<std::chrono::steady_clock::duration>(g.last_sweep / 8, kLongest);
  if (std::chrono::steady_clock::now() >= until) return false;
  if (!g.armed) {
    g.armed = true;
    inner_->gather.expires_at(until);
    // The turn that it begins ends with the sweep.
    inner_->gather.async_wait(
        [this](const boost::system::error_code&) { gathering_.armed = false; });
  }
  return true;
}

void Shard::attach(Delivery& d) {
  Connection* connection = find(d.connection);
  Subscription* s = connection != nullptr ? subscription(*connection, d.text) : nullptr;
  if (s == nullptr || s->ticket != d.ticket) {
    // Left, or gone, meanwhile. Whoever did that told the hub, but maybe before this was there.
    d.hub->unsubscribe(d.connection, d.ticket, d.text, 0);
    return;
  }
  auto& channel = channels_[d.channel];
  if (!channel) channel = std::make_unique<LocalChannel>(d.channel, d.text, settings_.ring_bytes);
  s->channel = channel.get();
  s->wanted.reset();
  s->index = static_cast<std::uint32_t>(channel->subscribers.size());
  channel->subscribers.push_back({connection, channel->ring.end()});
  send(*connection, *d.bytes);
}

void Shard::handle_delivery(Delivery& d) {
  switch (d.what) {
    case Delivery::What::Frame: {
      const auto it = channels_.find(d.channel);
      if (it == channels_.end() || it->second->subscribers.empty()) return;
      LocalChannel& channel = *it->second;
      channel.ring.append(*d.bytes, d.connection);
      if (gathering_.frames++ == 0) gathering_.first = std::chrono::steady_clock::now();
      gathering_.bytes += d.bytes->size();
      if (!channel.dirty) {
        channel.dirty = true;
        dirty_.push_back(&channel);
      }
      return;
    }
    case Delivery::What::Attach:
      attach(d);
      return;
    case Delivery::What::Refuse: {
      Connection* connection = find(d.connection);
      if (connection == nullptr) return;
      const Subscription* s = subscription(*connection, d.text);
      if (s == nullptr || s->ticket != d.ticket || s->channel != nullptr) return;
      detach(*connection, d.text);
      protocol_->refused(*connection, d.text, d.ticket);
      send(*connection, *d.bytes);
      return;
    }
    case Delivery::What::Control:
      if (Connection* connection = find(d.connection)) send(*connection, *d.bytes);
      return;
    case Delivery::What::Close:
      if (Connection* connection = find(d.connection))
        close_saying(*connection, d.code, d.text, Protocol::End::Clean);
      return;
    case Delivery::What::Vanished: {
      const auto it = channels_.find(d.channel);
      if (it == channels_.end() || !it->second->subscribers.empty()) return;
      std::erase(dirty_, it->second.get());
      channels_.erase(it);
      return;
    }
  }
}

}  // namespace rollcall::net::inline hub
