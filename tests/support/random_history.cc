// Drawing what happens next.
#include "tests/support/random_history.h"

#include "tests/support/stores.h"

namespace rollcall::test {

using engine::Cause;
using engine::Kind;
using engine::Micros;
using store::Proposal;

Proposal about(Kind kind, const std::string& user, engine::Seq session, Cause cause) {
  Proposal p;
  p.kind = kind;
  p.user = user;
  p.session = session;
  p.cause = cause;
  return p;
}

Proposal login(const std::string& user, const std::string& session) {
  Proposal p = about(Kind::Login, user, 0, Cause::Login);
  p.body.external_key = session;
  return p;
}

void do_something(store::Writer& w, std::uint64_t node, std::mt19937_64& rng, Micros at) {
  const std::string user = "u" + std::to_string(below(rng, 6));
  const auto number = w.vault().number_of(user);
  if (!number) {
    w.stage(login(user, "a"), at).value();
    return;
  }
  const auto& sessions = w.state().users[*number].sessions;
  const engine::Seq session = sessions.empty() ? 0 : sessions[below(rng, sessions.size())];
  switch (below(rng, 20)) {
    case 0:
    case 1:
    case 2:
      (void)w.stage(login(user, std::string(1, static_cast<char>('a' + below(rng, 4)))), at);
      break;
    case 3:
      (void)w.stage(about(Kind::Logout, user, session, Cause::Logout), at);
      break;
    case 4:
      (void)w.stage(
          about(Kind::Logout, user, 0, below(rng, 2) == 0 ? Cause::Logout : Cause::Revoked), at);
      break;
    case 5:
    case 6:
    case 7: {
      Proposal p = about(Kind::Activity, user, below(rng, 2) == 0 ? session : 0);
      engine::ActivityFields fields;
      if (below(rng, 3) == 0)
        fields.active_until = at - static_cast<Micros>(below(rng, 100 * kSecond));
      engine::write_fields(p, fields);
      (void)w.stage(p, at);
      break;
    }
    case 8:
    case 9: {
      Proposal p =
          about(below(rng, 3) == 0 ? Kind::LinkDown : Kind::LinkUp, user, session, Cause::Abort);
      engine::write_fields(p, engine::LinkFields{below(rng, 3), node});
      (void)w.stage(p, at);
      break;
    }
    case 10:
    case 11:
    case 12: {
      Proposal p = about(Kind::StatusSet, user, 0, Cause::User);
      p.flags = static_cast<std::uint16_t>(below(rng, 8));
      if (below(rng, 3) == 0) p.body.status_text = "words";
      if (below(rng, 2) == 0)
        engine::write_fields(
            p, engine::StatusFields{at + static_cast<Micros>(below(rng, 600)) * kSecond});
      (void)w.stage(p, at);
      break;
    }
    case 13:
      (void)w.stage(about(Kind::StatusCleared, user, 0, Cause::User), at);
      break;
    case 14:
      if (session != 0)
        (void)w.stage(about(Kind::Inactivity, user, session, Cause::ClientHint), at);
      break;
    case 15:
    case 16:
    case 17:
    case 18: {
      Proposal p = about(below(rng, 2) == 0 ? Kind::Joined : Kind::Left, user);
      engine::write_fields(p, engine::MemberFields{1 + below(rng, 3), node});
      (void)w.stage(p, at);
      break;
    }
    default:
      if (below(rng, 3) == 0)
        w.stage_clock_step(static_cast<Micros>(below(rng, 500)) * kSecond, at);
      else
        w.conclude(at);
  }
}

}  // namespace rollcall::test
