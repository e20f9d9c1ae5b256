// A write over the API, and what it is answered.
#pragma once

#include "net/hub/connection.h"
#include "store/live.h"

#include <string>

namespace rollcall::net::inline presence {

/// A write over the API.
struct Write {
  engine::Kind kind = engine::Kind::None;  ///< Login, Activity, Logout, StatusSet, StatusCleared
  std::string user, session;
  std::string action;
  engine::Body body;
  std::uint16_t flags = 0;
  engine::Micros until = 0;
  bool all_sessions = false;           ///< Logout of every session
  ConnectionId connection = 0;         ///< counts as activity of this one; 0 none
  std::string idempotency_key, scope;  ///< the scope is the caller
  bool sees_inside = false;            ///< the caller may know that the user is there, hiding
  std::string request_digest;          ///< what was asked, for the same key used for another thing
};
struct WriteReply {
  engine::Seq seq = 0;
  std::string outcome;
  std::string presence;     ///< the user's state after it, for himself and auditors
  std::string visible;      ///< the same for everybody else
  bool repeated = false;    ///< the answer to an earlier request under the same key
  bool hid = false;         ///< he was there, and others may not know
  bool of_session = false;  ///< would have been refused if he had not been there
};
/// The caller's key of the session, or that of callers who name none.
[[nodiscard]] std::string key_or_default(const std::string& session);
/// An activity that says nothing but that somebody is there.
[[nodiscard]] bool is_touch(const Write& write);
/// Whether the write is of a session that must be open.
[[nodiscard]] bool needs_session(const Write& write);
[[nodiscard]] store::Error no_session(const Write& write);
/// What the caller is told of it: of somebody who hides, what he would be told if nobody was there.
[[nodiscard]] store::Result<WriteReply> told(const Write& asked, const WriteReply& reply);

}  // namespace rollcall::net::inline presence
