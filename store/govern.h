// Governing a log, for the command line and the server alike: holds, new signing keys, and which
// user a request means. (Forgetting and retention have their own files.)
#pragma once

#include "store/writer.h"

namespace rollcall::store {

/// The user whom a request means: by name, or by number, which stays when the name is forgotten.
/// Exactly one of them is set.
struct Whom {
  std::optional<std::string> name;
  std::optional<std::uint64_t> number;
};
[[nodiscard]] Result<UserNumber> find_user(const Writer& writer, const Whom& whom);

/// Sets or ends a hold (`kind`: HoldSet or HoldReleased); Conflict if that is so already.
[[nodiscard]] Result<Written> change_hold(Writer& writer, engine::Kind kind, const Whom& whom,
                                          const std::string& reason, const std::string& ticket,
                                          engine::Micros at);

/// Makes a new signing key, which the old one confirms: one checkpoint carries both signatures.
[[nodiscard]] Result<note::Verifier> rotate_signing(Writer& writer, engine::Micros at);

}  // namespace rollcall::store
