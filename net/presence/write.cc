// What a write needs, and what its caller may know of the answer.
#include "net/presence/write.h"

#include <fmt/format.h>

namespace rollcall::net::inline presence {

using engine::Kind;
using store::Errc;
using store::Error;
using store::Result;

std::string key_or_default(const std::string& session) {
  return session.empty() ? std::string(store::kDefaultSession) : session;
}

bool is_touch(const Write& w) {
  return w.kind == Kind::Activity && w.action.empty() && w.body.empty();
}

bool needs_session(const Write& w) {
  if (w.kind == Kind::Logout) return true;
  return w.kind == Kind::Activity && (!w.session.empty() || is_touch(w));
}

Error no_session(const Write& w) {
  const bool named = w.kind == Kind::Logout ? !w.all_sessions : !w.session.empty();
  if (!named) return {Errc::Conflict, fmt::format("{} has no open session", w.user)};
  return {Errc::Conflict,
          fmt::format("{} has no open session '{}'", w.user, key_or_default(w.session))};
}

Result<WriteReply> told(const Write& asked, const WriteReply& reply) {
  WriteReply out = reply;
  if (asked.sees_inside) return out;
  out.presence = reply.visible;
  if (!reply.hid) return out;
  if (reply.of_session) return no_session(asked);
  out.outcome = engine::name_of(engine::Outcome::Applied);  // not that it was a duplicate
  return out;
}

}  // namespace rollcall::net::inline presence
