// Reading it from the log and the board.
#include "net/v1/catchup.h"

#include "net/wire/pusher_message.h"

#include <boost/json.hpp>

#include <map>

namespace rollcall::net::inline v1 {
namespace {

using engine::Kind;
using engine::Seq;
using store::Errc;
using store::Error;

constexpr Seq kHeadersMost = 2'000'000;  ///< a tenth of a second to read

std::string data_of(const std::string& message) {
  return std::string(json::parse(message).at("data").get_string());
}

}  // namespace

store::Result<CatchupResponse> catch_up(App& app, const std::string& channel, Seq after) {
  const auto reading = app.live().reading();
  if (!reading) return Error{Errc::Io, "the log is being opened anew: try again"};
  CatchupResponse out;
  const auto only = user_of_presence_channel(channel);
  if (channel == kPresenceChannel || only) {
    out.upto = app.board().seq();
    for (const auto& [number, s] : app.board().changed_after(after)) {
      const auto name = reading->vault().name_of(number);
      if (!name || (only && *name != *only)) continue;
      const Board::Change change = Board::last_told(number, s);
      out.events.push_back(
          {s.told_seq, "PresenceChanged", channel, presence_changed(*name, change)});
    }
    return out;
  }
  const auto id = reading->channel_number(channel);
  out.upto = reading->log().last();
  if (after >= out.upto) return out;
  if (out.upto - after > kHeadersMost)
    return Error{Errc::CursorGone, "too much has happened since: subscribe anew"};
  std::map<engine::UserNumber, Seq> touched;
  std::vector<engine::UserNumber> order;
  RC_TRY(reading->log().scan(after + 1, out.upto, [&](const engine::Header& h, store::ByteView) {
    if (id && (h.kind == Kind::Joined || h.kind == Kind::Left) &&
        engine::member_of(h).channel == *id)
      touched[h.user] = h.seq;
    return true;
  }));
  std::map<std::string, std::string> here;
  for (auto& member : app.hub().members(channel)) here.emplace(member.user_id, member.info);
  for (const auto& [number, seq] : touched) {
    const auto name = reading->vault().name_of(number);
    if (!name) continue;
    const auto it = here.find(*name);
    const bool in = it != here.end();
    out.events.push_back(
        {seq, in ? "pusher_internal:member_added" : "pusher_internal:member_removed", channel,
         data_of(in ? message::member_added(channel, *name, it->second, seq)
                    : message::member_removed(channel, *name, seq))});
  }
  if (channel.starts_with(kRoomChannel)) {
    constexpr std::size_t kMessagesMost = 500;
    const auto said =
        app.rooms().told_after(channel.substr(kRoomChannel.size()), after, kMessagesMost);
    if (!said) return said.error();
    for (const auto& told : *said) out.events.push_back({told.seq, told.event, channel, told.data});
  }
  std::sort(out.events.begin(), out.events.end(),
            [](const Missed& a, const Missed& b) { return a.seq < b.seq; });
  return out;
}

}  // namespace rollcall::net::inline v1
