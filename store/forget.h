// Forgetting a person: the key and the name are destroyed, the headers stay, every old proof
// verifies.
//
// In this order: append EraseRequested · drop cached keys · rewrite the vault without key and name
// · add the number to `erasures` · append UserErased · sign a checkpoint that covers it · return a
// receipt. After a crash in between, the next opening for writing completes it.
#pragma once

#include "store/log/census.h"
#include "store/tlog/tlog_proof.h"

namespace rollcall::store {

class Writer;

struct ForgetPlan {
  UserNumber user = 0;
  std::uint64_t events = 0;       ///< headers that stay, pseudonymous
  std::uint64_t bodies = 0;       ///< that become unreadable
  bool held = false;              ///< a hold forbids it
  std::vector<Mention> mentions;  ///< others' events whose target is the person
};

struct ForgetRequest {
  std::string reason;
  std::string ticket;
  bool with_mentions = false;  ///< drop the bodies of the mentions, too
};

struct Forgotten {
  std::uint64_t erased_seq = 0;
  std::uint64_t bodies_dropped = 0;
  TlogProof receipt;  ///< of UserErased
};

[[nodiscard]] ForgetPlan plan_forget(const Writer& writer, UserNumber user);
[[nodiscard]] Result<Forgotten> forget(Writer& writer, const ForgetPlan& plan,
                                       const ForgetRequest& request, std::int64_t at);
/// Completes what a crash interrupted: every EraseRequested without its UserErased.
[[nodiscard]] Result<void> finish_pending_erasures(Writer& writer);

}  // namespace rollcall::store
