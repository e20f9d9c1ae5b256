// Keeping: how long bodies of each kind are kept, and dropping what is older.
//
// Why this file exists: headers stay for ever, bodies need not. The event that says what is dropped
// is durable before the first body goes, so a body that is missing without such an event is
// tampering.
#pragma once

#include "store/writer.h"

#include <functional>

namespace rollcall::store {

struct RetentionPlanRow {
  engine::Kind kind = engine::Kind::None;
  std::uint64_t keep_seconds = 0;
  Seq upto = 0;              ///< newest event whose body may go
  std::uint64_t bodies = 0;  ///< that are there and would go
  std::uint64_t held = 0;    ///< that stay because their user is held
};

/// Names are not texts that age: a person's goes with forgetting, an action's and a channel's say
/// what other events mean. No rule drops them.
[[nodiscard]] bool kept_for_ever(engine::Kind kind);

/// Sets (or with 0 ends) the rule of a kind; an event.
[[nodiscard]] Result<Written> set_retention(Writer& writer, engine::Kind kind,
                                            std::uint64_t keep_seconds, engine::Micros at);
[[nodiscard]] Result<std::vector<RetentionPlanRow>> plan_retention(const Log& log,
                                                                   const Ledger& ledger,
                                                                   engine::Micros now);
/// Drops in batches of at most 1,000 bodies, then makes them physically gone.
[[nodiscard]] Result<std::uint64_t> apply_retention(
    Writer& writer, const std::vector<RetentionPlanRow>& plan, engine::Micros now,
    const std::function<void(std::uint64_t, std::uint64_t)>& progress);

}  // namespace rollcall::store
