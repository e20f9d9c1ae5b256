// Retention: how long bodies of each kind are kept, and dropping older ones.
//
// Why this file exists: headers stay for ever, bodies need not. The event that announces a drop is
// durable before the first body is deleted, so a body that is missing without such an event is
// evidence of tampering.
#pragma once

#include "store/writer.h"

#include <functional>

namespace rollcall::store {

struct RetentionPlanRow {
  engine::Kind kind = engine::Kind::None;
  std::uint64_t keep_seconds = 0;
  Seq upto = 0;              ///< newest event whose body may be dropped
  std::uint64_t bodies = 0;  ///< present, and would be dropped
  std::uint64_t held = 0;    ///< kept because their user is held
};

/// Names are exempt from every rule: forgetting removes a user's name, and the names of actions
/// and channels give other events their meaning.
[[nodiscard]] bool kept_for_ever(engine::Kind kind);

/// Sets the rule of a kind, or with 0 removes it; appends an event.
[[nodiscard]] Result<Written> set_retention(Writer& writer, engine::Kind kind,
                                            std::uint64_t keep_seconds, engine::Micros at);
[[nodiscard]] Result<std::vector<RetentionPlanRow>> plan_retention(const EventLog& log,
                                                                   const Ledger& ledger,
                                                                   engine::Micros now);
/// Drops in batches of at most 1,000 bodies, then removes them physically.
[[nodiscard]] Result<std::uint64_t> apply_retention(
    Writer& writer, const std::vector<RetentionPlanRow>& plan, engine::Micros now,
    const std::function<void(std::uint64_t, std::uint64_t)>& progress);

}  // namespace rollcall::store
