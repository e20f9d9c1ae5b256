// The flush tick, and what each watcher is told.
#include "net/presence/broadcast.h"

#include "net/presence/status_words.h"
#include "net/wire/pusher_message.h"
#include "replay/time_text.h"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/json.hpp>
#include <fmt/format.h>

#include <algorithm>

namespace rollcall::net::inline presence {
namespace {

using engine::Presence;
using Clock = std::chrono::steady_clock;
constexpr auto kTickLeast = std::chrono::milliseconds(50);
constexpr auto kTickMost = std::chrono::milliseconds(1000);

std::vector<std::string_view> watch_entries(Presence now) {
  switch (now) {
    case Presence::Online:
      return {"online"};
    case Presence::Away:
      return {"online", "away"};
    case Presence::Offline:
      return {"offline"};
  }
  return {};
}

}  // namespace

std::string_view edge_of(Presence from, Presence to) {
  if (to == Presence::Offline) return "logout";
  if (to == Presence::Away) return "inactivity";
  return from == Presence::Offline ? "login" : "activity";
}

std::string published_time(engine::Micros at, std::string_view granularity) {
  constexpr engine::Micros kMinute = 60'000'000, kDay = 24 * 60 * kMinute;
  if (at == 0 || granularity == "hidden") return {};
  if (granularity == "minutes") at -= at % kMinute;
  if (granularity == "day") at -= at % kDay;
  return replay::rfc3339(at);
}

std::string presence_changed(std::string_view user, const Board::Change& c) {
  return fmt::format(
      R"({{"user":{},"state":"{}","previous":"{}","cause":"{}","at":"{}","seq":{}}})",
      json_string(user), engine::name_of(c.now), engine::name_of(c.previous),
      edge_of(c.previous, c.now), replay::rfc3339(c.at), c.seq);
}

struct Broadcast::Inner {
  explicit Inner(boost::asio::io_context& io) : timer(io) {}
  boost::asio::steady_timer timer;
  bool armed = false;
  Clock::time_point last{};
  Clock::duration tick = kTickLeast;
};

Broadcast::Broadcast(Board& board, Hub& hub, Loop& loop)
    : board_(board), hub_(hub), loop_(loop), inner_(std::make_unique<Inner>(loop.io())) {}

Broadcast::~Broadcast() = default;

void Broadcast::notify() {
  if (posted_.exchange(true)) return;
  loop_.post([this] {
    posted_ = false;
    due();
  });
}

void Broadcast::due() {
  if (inner_->armed) return;
  const auto next = inner_->last + inner_->tick;
  if (Clock::now() >= next) {
    flush();
    return;
  }
  flush_at(next);
}

void Broadcast::flush_at(Clock::time_point when) {
  inner_->armed = true;
  inner_->timer.expires_at(when);
  inner_->timer.async_wait([this](const boost::system::error_code& ec) {
    inner_->armed = false;
    if (!ec) flush();
  });
}

void Broadcast::flush() {
  const auto begun = Clock::now();
  const auto reading = reading_ ? reading_() : nullptr;
  if (!reading) {
    if (!inner_->armed) flush_at(begun + kTickLeast);
    return;
  }
  const auto changes = board_.take_changes();
  const bool all_watched = hub_.occupied(std::string(kPresenceChannel));
  std::vector<Hub::Change> watch;
  for (const Board::Change& change : changes) {
    const auto name = reading->vault().name_of(change.user);
    if (!name) continue;  // erased: nobody can say who it was
    std::string data;
    const auto say = [&](const std::string& channel) {
      if (data.empty()) data = presence_changed(*name, change);
      hub_.publish(channel, message::event("PresenceChanged", channel, data, change.seq));
    };
    if (all_watched) say(std::string(kPresenceChannel));
    if (const auto own = presence_channel_of(*name); own && hub_.occupied(*own)) say(*own);
    if (hub_.watched(*name)) watch.push_back({*name, watch_entries(change.now)});
  }
  if (!watch.empty()) hub_.tell_watchers(watch);
  tell_notes(*reading);
  inner_->last = Clock::now();
  // A flush may take a tenth of the time; a tick that is short of that grows, up to a second.
  inner_->tick = std::clamp<Clock::duration>((inner_->last - begun) * 10, kTickLeast, kTickMost);
}

void Broadcast::tell_each(const std::vector<Board::Change>& changes) {
  const auto reading = reading_ ? reading_() : nullptr;
  if (!reading) return;
  const bool all_watched = hub_.occupied(std::string(kPresenceChannel));
  for (const Board::Change& change : changes) {
    const auto name = reading->vault().name_of(change.user);
    if (!name) continue;  // erased: nobody can say who it was
    const std::string data = presence_changed(*name, change);
    const auto say = [&](const std::string& channel) {
      hub_.publish(channel, message::event("PresenceChanged", channel, data, change.seq));
    };
    if (all_watched) say(std::string(kPresenceChannel));
    if (const auto own = presence_channel_of(*name); own && hub_.occupied(*own)) say(*own);
  }
  tell_notes(*reading);
}

void Broadcast::tell_each(const store::Writer::Batch& batch) {
  std::vector<Board::Change> changes;
  for (const engine::Transition& t : batch.transitions) {
    if (t.from == t.to) continue;
    const auto& header = batch.events[t.seq - batch.events.front().header.seq].header;
    changes.push_back({t.user, t.from, t.to, header.at, t.seq});
  }
  tell_each(changes);
}

void Broadcast::tell_moved(engine::Micros at, engine::Seq seq) {
  const std::string all(kPresenceChannel);
  hub_.publish(
      all, message::event("rollcall:moved", all,
                          fmt::format(R"({{"at":"{}","seq":{}}})", replay::rfc3339(at), seq), seq));
}

void Broadcast::tell_notes(const store::ReadView& reading) {
  const Board::Notes notes = board_.take_notes();
  const std::string all(kPresenceChannel);
  for (const engine::UserNumber user : notes.statuses) {
    const auto row = board_.of(user);
    const auto name = reading.vault().name_of(user);
    if (!row || !name) continue;
    const auto own = presence_channel_of(*name);
    const bool watched = own && hub_.occupied(*own);
    if (!watched && !hub_.occupied(all)) continue;
    boost::json::object data{{"user", *name}, {"text", ""}, {"emoji", ""}};
    const bool hidden = row->manual == engine::Override::Invisible;
    data["do_not_disturb"] = row->do_not_disturb && !hidden;
    if (row->status_seq != 0 && !hidden) {
      const StatusWords words = status_words(reading, row->status_seq);
      data["text"] = words.text;
      data["emoji"] = words.emoji;
    }
    const std::string text = boost::json::serialize(data);
    hub_.publish(all, message::event("StatusChanged", all, text));
    if (watched) hub_.publish(*own, message::event("StatusChanged", *own, text));
  }
  for (const engine::UserNumber user : notes.forgotten)
    hub_.publish(all,
                 message::event("PersonForgotten", all,
                                boost::json::serialize(boost::json::object{{"number", user}})));
}

void Broadcast::tell_watchlist(
    ConnectionId connection, const std::vector<std::string>& users,
    const std::function<std::optional<engine::UserNumber>(const std::string&)>& number_of) {
  std::vector<message::WatchEntry> entries{{"online", {}}, {"away", {}}, {"offline", {}}};
  for (const std::string& user : users) {
    const auto number = number_of(user);
    const auto row = number ? board_.of(*number) : std::nullopt;
    const Presence told = row ? row->told : Presence::Offline;
    if (told != Presence::Offline) entries[0].user_ids.push_back(user);
    if (told == Presence::Away) entries[1].user_ids.push_back(user);
    if (told == Presence::Offline) entries[2].user_ids.push_back(user);
  }
  if (!users.empty()) hub_.tell(connection, message::watchlist_events(entries));
}

void Broadcast::tell_newest(ConnectionId connection, const std::string& channel) {
  constexpr std::size_t kUsersMost = 500;  // what a slow connection's outbox takes
  const auto reading = reading_ ? reading_() : nullptr;
  if (!reading) return;  // being opened anew; `rollcall:missed` said that something is lacking
  auto changed = board_.changed_after(0);
  const auto only = user_of_presence_channel(channel);
  if (!only && changed.size() > kUsersMost)
    changed.erase(changed.begin(), changed.end() - static_cast<std::ptrdiff_t>(kUsersMost));
  for (const auto& [number, row] : changed) {
    const auto name = reading->vault().name_of(number);
    if (!name || (only && *name != *only)) continue;
    const Board::Change change = Board::last_told(number, row);
    hub_.tell(connection, message::event("PresenceChanged", channel,
                                         presence_changed(*name, change), change.seq));
  }
}

}  // namespace rollcall::net::inline presence
