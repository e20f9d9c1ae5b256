// Acts of whoever governs a log, as the command line and the server both do them: holds, a new
// signing key, and whom a name means. (Forgetting and retention have files of their own.)
#pragma once

#include "store/writer.h"

namespace rollcall::store {

/// Whom a request means: by name, or by number, which stays when the name is forgotten. One of
/// them.
struct Whom {
  std::optional<std::string> name;
  std::optional<std::uint64_t> number;
};
[[nodiscard]] Result<UserNumber> find_user(const Writer& writer, const Whom& whom);

/// Sets or ends a hold (`kind`: HoldSet or HoldReleased); Conflict where that is so already.
[[nodiscard]] Result<Written> change_hold(Writer& writer, engine::Kind kind, const Whom& whom,
                                          const std::string& reason, const std::string& ticket,
                                          engine::Micros at);

/// A new signing key; the old one vouches for it: one checkpoint carries both signatures.
[[nodiscard]] Result<note::Verifier> rotate_signing(Writer& writer, engine::Micros at);

}  // namespace rollcall::store
