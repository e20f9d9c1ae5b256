// Joining a header with its body and the names.
#include "replay/event_view.h"

namespace rollcall::replay {

using engine::Kind;

EventView view_of(const Reader& reader, const Header& header) {
  return view_of(reader, header, reader.open_body(header));
}

EventView view_of(const Reader& reader, const Header& header, store::OpenedBody body) {
  EventView e;
  e.header = header;
  if (header.user != 0) e.user = reader.user_text(header.user);
  e.body = std::move(body);
  e.action = reader.action_text(header, e.body.body);
  if (header.kind == Kind::Joined || header.kind == Kind::Left)
    e.channel = reader.channel_text(engine::member_of(header).channel);
  else if (header.kind == Kind::ChannelNamed)
    e.channel = e.body.body.name;
  if (const auto subject = subject_of(header)) e.subject = reader.user_text(*subject);
  return e;
}

std::optional<UserNumber> subject_of(const Header& h) {
  switch (h.kind) {
    case Kind::EraseRequested:
    case Kind::HoldSet:
    case Kind::HoldReleased:
    case Kind::HistoryRead: {
      const UserNumber subject = engine::subject_fields_of(h).subject;
      return subject != 0 ? std::optional(subject) : std::nullopt;
    }
    case Kind::Activity:
      return engine::activity_of(h).target_user();
    default:
      return std::nullopt;
  }
}

}  // namespace rollcall::replay
