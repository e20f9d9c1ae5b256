// The index of messages is made from headers when somebody first asks, and follows from there.
#include "net/presence/rooms.h"

#include "net/wire/pusher_message.h"
#include "replay/time_text.h"

#include <boost/json.hpp>

#include <algorithm>

namespace rollcall::net::inline presence {
namespace {

namespace json = boost::json;
using engine::Header;
using engine::Kind;
using engine::Seq;
using store::Errc;
using store::Error;
using store::Result;

engine::Body opened(const store::ReadView& reading, const Header& h) {
  const auto sealed = reading.log().body(h.seq);
  if (!sealed) return {};
  store::BodyOpener opener(reading.vault(), reading.layout().app);
  return opener.open(h, *sealed).body;
}

json::object properties_of(const engine::Body& body) {
  boost::system::error_code ec;
  const json::value value = json::parse(body.properties, ec);
  return !ec && value.is_object() ? value.get_object() : json::object{};
}

Seq message_of(const json::object& properties) {
  const auto* value = properties.if_contains("message");
  if (value == nullptr || !value->is_number()) return 0;
  boost::system::error_code ec;
  const auto id = value->to_number<Seq>(ec);
  return ec ? 0 : id;
}

std::optional<ChatMessage> message_at(const store::ReadView& reading, const Header& h) {
  const auto name = reading.vault().name_of(h.user);
  const engine::Body body = opened(reading, h);
  if (!name || body.description.empty()) return std::nullopt;  // forgotten, or dropped
  ChatMessage out;
  out.id = h.seq;
  out.number = h.user;
  out.user = *name;
  out.text = body.description;
  out.at = replay::rfc3339(h.at);
  const json::object properties = properties_of(body);
  if (const auto* id = properties.if_contains("client_id"); id != nullptr && id->is_string())
    out.client_id = std::string(id->get_string());
  return out;
}

json::object to_json(const ChatMessage& m) {
  json::object out{
      {"id", m.id}, {"number", m.number}, {"user", m.user}, {"text", m.text}, {"at", m.at}};
  if (m.edited_at) out["edited_at"] = *m.edited_at;
  if (m.client_id) out["client_id"] = *m.client_id;
  return out;
}

/// The event that says that one message's body is dropped: remove() below.
std::optional<Seq> drops_one(const Header& h) {
  if (h.kind != Kind::RetentionApplied) return std::nullopt;
  const auto fields = engine::retention_of(h);
  return fields.form == engine::Retention::One ? std::optional<Seq>(fields.event) : std::nullopt;
}

/// The target of an activity that may be about a room; 0 where it cannot.
std::uint64_t room_tag(const Header& h) {
  if (h.kind != Kind::Activity) return 0;
  const auto activity = engine::activity_of(h);
  return activity.target_is_user ? 0 : activity.target;
}

std::uint64_t tag_of(const store::ReadView& reading, const std::string& room) {
  return reading.target_tag("room", room).tag;
}

}  // namespace

bool valid_room(std::string_view room) {
  return !room.empty() && room.size() <= 64 && std::all_of(room.begin(), room.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

Rooms::Act Rooms::act_of(const store::ReadView& reading, const Header& h) {
  if (room_tag(h) == 0) return Act::None;
  const auto activity = engine::activity_of(h);
  if (activity.touch) return Act::None;
  const store::Lock guard(acts_mutex_);
  if (const auto it = acts_.find(activity.action); activity.action != 0 && it != acts_.end())
    return it->second;
  const std::string name = activity.action == 0 ? opened(reading, h).action
                                                : reading.action_name(activity.action).value_or("");
  const Act act = name == "message.posted"    ? Act::Posted
                  : name == "message.edited"  ? Act::Edited
                  : name == "message.removed" ? Act::Removed
                                              : Act::None;
  if (activity.action != 0) acts_.emplace(activity.action, act);
  return act;
}

std::optional<Rooms::Told> Rooms::tell(const store::ReadView& reading, const Header& h, Act act,
                                       const Dropped& dropped, std::string* room) {
  const engine::Body body = opened(reading, h);
  if (body.target_type != "room" || !valid_room(body.target_id)) return std::nullopt;
  if (room != nullptr) *room = body.target_id;
  if (act == Act::Posted) {
    const auto message = message_at(reading, h);
    if (!message) return std::nullopt;
    return Told{h.seq, "MessagePosted", json::serialize(to_json(*message))};
  }
  const Seq id = message_of(properties_of(body));
  const auto whose = author(reading, body.target_id, id);
  if (!whose) return std::nullopt;
  if (act == Act::Removed && !dropped.contains(id)) return std::nullopt;
  if (act == Act::Removed)
    return Told{h.seq, "MessageRemoved", json::serialize(json::object{{"id", id}})};
  if (*whose != h.user || body.description.empty()) return std::nullopt;
  return Told{h.seq, "MessageEdited",
              json::serialize(json::object{
                  {"id", id}, {"text", body.description}, {"edited_at", replay::rfc3339(h.at)}})};
}

void Rooms::publish(const store::Writer::Batch& batch) {
  std::shared_ptr<const store::ReadView> reading;
  Dropped dropped;
  for (const engine::Sequenced& event : batch.events)
    if (const auto one = drops_one(event.header)) dropped.insert(*one);
  for (const engine::Sequenced& event : batch.events) {
    const Header& h = event.header;
    if (room_tag(h) == 0 || event.outcome == engine::Outcome::UnknownSession) continue;
    if (!reading) reading = live_.reading();
    if (!reading) return;
    const Act act = act_of(*reading, h);
    if (act == Act::None) continue;
    std::string room;
    const auto told = tell(*reading, h, act, dropped, &room);
    if (!told) continue;
    const std::string channel = std::string(kRoomChannel) + room;
    hub_.publish(channel, message::event(told->event, channel, told->data, told->seq));
  }
}

Result<void> Rooms::catch_up(const store::ReadView& reading) {
  const Seq last = reading.log().last();
  if (last < upto_) {  // a replay that was moved back
    rooms_.clear();
    dropped_.clear();
    upto_ = 0;
  }
  if (last == upto_) return {};
  std::vector<std::pair<Header, Act>> found;
  RC_TRY(reading.log().scan(upto_ + 1, last, [&](const Header& h, store::ByteView) {
    mutex_.held();
    if (const auto one = drops_one(h)) dropped_.insert(*one);
    if (room_tag(h) != 0)
      if (const Act act = act_of(reading, h); act != Act::None) found.emplace_back(h, act);
    return true;
  }));
  for (const auto& [h, act] : found) {
    Room& room = rooms_[room_tag(h)];
    room.events.push_back(h.seq);
    if (act == Act::Posted) {
      room.posted.push_back(h.seq);
      continue;
    }
    if (act != Act::Edited) continue;
    const Seq id = message_of(properties_of(opened(reading, h)));
    const auto header = id == 0 || id >= h.seq ? Result<std::optional<Header>>(std::nullopt)
                                               : reading.log().header(id);
    if (header && *header && (*header)->user == h.user) room.edits[id].push_back(h.seq);
  }
  upto_ = last;
  return {};
}

Result<void> Rooms::read_up() {
  const auto reading = live_.reading();
  if (!reading) return Error{Errc::Io, "the log is being opened anew: try again"};
  const store::Lock guard(mutex_);
  return catch_up(*reading);
}

Result<std::vector<ChatMessage>> Rooms::history(const std::string& room, Seq after, Seq before,
                                                std::size_t limit) {
  const auto reading = live_.reading();
  if (!reading) return Error{Errc::Io, "the log is being opened anew: try again"};
  std::vector<std::pair<Seq, Seq>> wanted;  // message, its newest edit or 0
  {
    const store::Lock guard(mutex_);
    RC_TRY(catch_up(*reading));
    const Room& r = rooms_[tag_of(*reading, room)];
    auto it = std::lower_bound(r.posted.begin(), r.posted.end(), before);
    while (it != r.posted.begin() && wanted.size() < limit) {
      const Seq id = *--it;
      if (id <= after) break;
      if (dropped_.contains(id)) continue;
      const auto edit = r.edits.find(id);
      wanted.emplace_back(id, edit == r.edits.end() ? 0 : edit->second.back());
    }
  }
  std::reverse(wanted.begin(), wanted.end());
  std::vector<ChatMessage> out;
  for (const auto& [id, edit] : wanted) {
    const auto header = reading->log().header(id);
    if (!header || !*header) continue;
    auto message = message_at(*reading, **header);
    if (!message) continue;
    if (edit != 0) {
      const auto change = reading->log().header(edit);
      if (change && *change) {
        message->text = opened(*reading, **change).description;
        message->edited_at = replay::rfc3339((*change)->at);
      }
    }
    out.push_back(std::move(*message));
  }
  return out;
}

Result<std::vector<Rooms::Told>> Rooms::told_after(const std::string& room, Seq after,
                                                   std::size_t limit) {
  const auto reading = live_.reading();
  if (!reading) return Error{Errc::Io, "the log is being opened anew: try again"};
  std::vector<Seq> wanted;
  Dropped dropped;
  {
    const store::Lock guard(mutex_);
    RC_TRY(catch_up(*reading));
    const auto& events = rooms_[tag_of(*reading, room)].events;
    const auto from = std::upper_bound(events.begin(), events.end(), after);
    if (static_cast<std::size_t>(events.end() - from) > limit)
      return Error{Errc::CursorGone, "too much was said since: read the room's messages"};
    wanted.assign(from, events.end());
    dropped = dropped_;
  }
  std::vector<Told> out;
  for (const Seq seq : wanted) {
    const auto header = reading->log().header(seq);
    if (!header || !*header) continue;
    if (auto told = tell(*reading, **header, act_of(*reading, **header), dropped, nullptr)) {
      // Somebody may have claimed a removal before it was one: it is told once, at its last place.
      if (told->event == "MessageRemoved")
        std::erase_if(
            out, [&](const Told& t) { return t.event == told->event && t.data == told->data; });
      out.push_back(std::move(*told));
    }
  }
  return out;
}

Result<engine::UserNumber> Rooms::author(const store::ReadView& reading, const std::string& room,
                                         Seq id) {
  const Error none{Errc::NotFound, "there is no such message in this room"};
  if (id == 0 || id > reading.log().last()) return none;
  const auto header = reading.log().header(id);
  if (!header) return header.error();
  if (!*header || room_tag(**header) != tag_of(reading, room)) return none;
  return (*header)->user;
}

Result<Seq> Rooms::remove(store::Writer& writer, const std::string& room, Seq id,
                          const std::string& by, bool any, engine::Micros at) {
  const auto whose = author(writer.view(), room, id);
  if (!whose) return whose.error();
  const auto me = writer.vault().number_of(by);
  if (!any && (!me || *me != *whose))
    return Error{Errc::NotPermitted, "only one's own messages can be removed"};
  if (writer.ledger().holds.contains(*whose))
    return Error{Errc::Refused, "a hold on the message's author forbids it"};
  store::Proposal removed;
  removed.kind = Kind::Activity;
  removed.user = by;
  if (me) removed.session = engine::activity_session(writer.state(), *me);
  removed.action = "message.removed";
  removed.body.target_type = "room";
  removed.body.target_id = room;
  removed.body.properties = json::serialize(json::object{{"message", id}});
  const auto written = writer.stage(removed, at);
  if (!written) return written.error();
  // The event that says what is dropped is durable before the body goes.
  std::vector<Seq> ids{id};
  {
    const store::Lock guard(mutex_);
    RC_TRY(catch_up(writer.view()));
    const auto& edits = rooms_[tag_of(writer.view(), room)].edits;
    if (const auto it = edits.find(id); it != edits.end())
      ids.insert(ids.end(), it->second.begin(), it->second.end());
  }
  for (const Seq each : ids) {
    store::Proposal dropped;
    dropped.kind = Kind::RetentionApplied;
    engine::write_fields(dropped,
                         engine::RetentionFields{Kind::Activity, 0, engine::Retention::One, each});
    const auto said = writer.stage(dropped, at);
    if (!said) return said.error();
  }
  RC_TRY(writer.commit());
  RC_TRY(writer.log().drop_bodies(ids));
  return written->seq;
}

}  // namespace rollcall::net::inline presence
