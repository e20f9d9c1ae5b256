// A phrase for each kind of event.
#include "replay/reason_words.h"

#include <fmt/format.h>

namespace rollcall::replay {
namespace {

using engine::Cause;
using engine::Kind;

std::string event_text(const Header& h) {
  return fmt::format("#{}, {}{}{}", h.seq, engine::name_of(h.kind),
                     h.cause == Cause::None ? "" : " ", engine::name_of(h.cause));
}

std::string action_text(const Reader& reader, const Header& h) {
  const bool interned = engine::activity_of(h).action != 0;
  return reader.action_text(h, interned ? engine::Body{} : reader.open_body(h).body);
}

}  // namespace

std::string status_words(const engine::StatusFields& set) {
  std::string out = set.manual == engine::Override::Away        ? "Away by hand"
                    : set.manual == engine::Override::Invisible ? "invisible to others"
                                                                : "no state by hand";
  if (set.do_not_disturb) out += ", do not disturb";
  if (set.until != 0) out += ", until " + short_time(set.until);
  return out;
}

std::string counted_from(Micros since, Micros from) {
  return from > since ? ", counted from " + short_time(from) : std::string();
}

std::string seconds_text(Micros length) {
  constexpr Micros kSecond = 1'000'000;
  if (length % kSecond == 0) return fmt::format("{} s", length / kSecond);
  return fmt::format("{} s", static_cast<double>(length) / 1e6);
}

std::string words_of(const Reader& reader, const Made& made) {
  const Header& h = made.by;
  const std::string due = made.logged ? "" : " (due, not in the log yet)";
  const std::string from =
      made.basis ? fmt::format(" since {} ({})", short_time(made.since), event_text(*made.basis))
                 : std::string();
  const std::string limit = (made.limit == 0 ? "" : " after " + seconds_text(made.limit)) +
                            counted_from(made.since, made.counted_from);
  switch (h.kind) {
    case Kind::Login:
      return h.cause == Cause::Resync    ? "a login after its node came back"
             : h.cause == Cause::Connect ? "a login with a connection"
                                         : "a login";
    case Kind::Activity: {
      const std::string action = action_text(reader, h);
      return action.empty() ? "a sign of life" : "the action " + action;
    }
    case Kind::Inactivity:
      if (h.cause == Cause::ClientHint) return "the client said that nobody is at it";
      return fmt::format("no activity{}: inactivity concluded{}{}", from, limit, due);
    case Kind::Logout:
      switch (h.cause) {
        case Cause::GraceExpired:
          return fmt::format("no connection{}: the grace ran out{}{}", from, limit, due);
        case Cause::TtlExpired:
          return fmt::format("no activity{}: the time to live ran out{}{}", from, limit, due);
        case Cause::Revoked:
          return "the session was revoked";
        case Cause::Superseded:
          return "a later login took its place";
        default:
          return "a logout";
      }
    case Kind::StatusSet:
      return "the status was set: " + status_words(engine::status_of(h));
    case Kind::StatusCleared:
      return h.cause == Cause::Expired ? "the status ended by itself" + due
                                       : "the status was cleared";
    case Kind::UserErased:
      return "the user was forgotten";
    default:
      return fmt::format("{} ({})", engine::name_of(h.kind), engine::name_of(h.cause));
  }
}

}  // namespace rollcall::replay
