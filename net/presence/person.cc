// Joining board, vault and log.
#include "net/presence/person.h"

#include "net/presence/broadcast.h"
#include "net/presence/status_words.h"
#include "replay/time_text.h"

namespace rollcall::net::inline presence {

Person person_of(const store::ReadView& reading, engine::UserNumber number, std::string name,
                 const PresenceRow& s, bool inside, std::string_view granularity) {
  Person out;
  out.number = number;
  out.user = std::move(name);
  out.state = std::string(engine::name_of(inside ? s.state : s.visible));
  const engine::Micros since = inside ? s.since : s.changed_at;
  if (since != 0) out.since = replay::rfc3339(since);
  const std::string seen = inside ? published_time(s.last_seen, "exact")
                                  : published_time(s.visible_last_seen, granularity);
  if (!seen.empty()) out.last_seen = seen;
  const bool hidden = !inside && s.manual == engine::Override::Invisible;
  out.do_not_disturb = s.do_not_disturb && !hidden;
  out.sessions = hidden ? 0 : s.sessions;
  if (!hidden) {
    StatusWords words = status_words(reading, s.status_seq);
    if (!words.text.empty()) out.text = std::move(words.text);
    if (!words.emoji.empty()) out.emoji = std::move(words.emoji);
  }
  return out;
}

}  // namespace rollcall::net::inline presence
