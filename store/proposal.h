// What a caller wants to write, before the writer has given it a place.
#pragma once

#include "engine/event.h"
#include "store/bytes/crypto.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace rollcall::store {

using engine::Seq;
using engine::UserNumber;

/// An event that a caller wants to write.
struct Proposal {
  engine::Kind kind = engine::Kind::None;
  engine::Cause cause = engine::Cause::None;
  std::uint16_t flags = 0;
  std::string user;       ///< by name, enrolled when it first occurs; empty: see `number`
  UserNumber number = 0;  ///< by number, if the name is empty
  Seq session = 0;
  std::uint64_t a = 0, b = 0, c = 0, d = 0;
  std::string action;  ///< Activity: interned while there is room
  engine::Body body;
  Hash digest{};  ///< StateDigest: the root
};

/// The session shared by all callers that name none (C20).
inline constexpr std::string_view kDefaultSession = "default";

[[nodiscard]] bool valid_action(std::string_view action);
/// Whether only a user can do it: user 0, the app itself, has no session and no status.
[[nodiscard]] bool of_a_user(engine::Kind kind);

}  // namespace rollcall::store
