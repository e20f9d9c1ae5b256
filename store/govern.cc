// Holds, keys, names.
#include "store/govern.h"

#include <fmt/format.h>

#include <array>

namespace rollcall::store {

Result<UserNumber> user_named(const Writer& writer, const std::string& name) {
  auto number = writer.vault().number_of(name);
  if (!number && name.starts_with('#')) {
    const auto parsed = parse_decimal(std::string_view(name).substr(1));
    if (parsed && *parsed < writer.state().users.size()) number = static_cast<UserNumber>(*parsed);
  }
  if (!number || *number == 0)
    return Error{Errc::NotFound, fmt::format("there is no user '{}'", name)};
  return *number;
}

Result<Written> change_hold(Writer& writer, engine::Kind kind, const std::string& user,
                            const std::string& reason, const std::string& ticket,
                            engine::Micros at) {
  const auto number = user_named(writer, user);
  if (!number) return number.error();
  const bool held = writer.ledger().holds.contains(*number);
  if (held == (kind == engine::Kind::HoldSet))
    return Error{Errc::Conflict,
                 held ? "there is a hold on that user already" : "there is no hold on that user"};
  Proposal p;
  p.kind = kind;
  p.a = *number;
  p.body.reason = reason;
  p.body.ticket = ticket;
  return writer.write(p, at);
}

Result<note::Verifier> rotate_signing(Writer& writer, engine::Micros at) {
  if (signing_key_fault(writer.layout())) {  // lost: nothing can vouch for the new key but its owner
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
