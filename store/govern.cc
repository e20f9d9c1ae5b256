// Holds, keys, names.
#include "store/govern.h"

#include <fmt/format.h>

#include <array>

namespace rollcall::store {

Result<UserNumber> find_user(const Writer& writer, const Whom& whom) {
  if (whom.name.has_value() == whom.number.has_value())
    return Error{Errc::BadInput, "say who: by name or by number, one of them"};
  if (whom.name) {
    const auto number = writer.vault().number_of(*whom.name);
    if (!number || *number == 0)
      return Error{Errc::NotFound, fmt::format("there is no user '{}'", *whom.name)};
    return *number;
  }
  if (*whom.number == 0 || *whom.number >= writer.state().users.size())
    return Error{Errc::NotFound, fmt::format("there is no user with the number {}", *whom.number)};
  return static_cast<UserNumber>(*whom.number);
}

Result<Written> change_hold(Writer& writer, engine::Kind kind, const Whom& whom,
                            const std::string& reason, const std::string& ticket,
                            engine::Micros at) {
  const auto number = find_user(writer, whom);
  if (!number) return number.error();
  const bool held = writer.ledger().holds.contains(*number);
  if (held == (kind == engine::Kind::HoldSet))
    return Error{Errc::Conflict,
                 held ? "there is a hold on that user already" : "there is no hold on that user"};
  Proposal p;
  p.kind = kind;
  engine::write_fields(p, engine::SubjectFields{*number});
  p.body.reason = reason;
  p.body.ticket = ticket;
  return writer.write(p, at);
}

Result<note::Verifier> rotate_signing(Writer& writer, engine::Micros at) {
  if (signing_key_fault(
          writer.layout())) {  // lost: nothing can vouch for the new key but its owner
    const auto next = rotate_signing_key(writer.layout());
    if (!next) return next.error();
    RC_TRY(writer.sign(at));
    return next->verifier();
  }
  const auto old = signing_key(writer.layout());
  if (!old) return old.error();
  RC_TRY(writer.sign(at));
  const auto next = rotate_signing_key(writer.layout());
  if (!next) return next.error();
  const std::array signers{*old, *next};
  RC_TRY(sign_checkpoint(writer.log(), writer.layout(), signers));
  return next->verifier();
}

}  // namespace rollcall::store
