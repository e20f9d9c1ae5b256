// What people and their devices do, at random: for the properties that must hold after any history.
#pragma once

#include "store/writer.h"

#include <random>

namespace rollcall::test {

[[nodiscard]] store::Proposal about(engine::Kind kind, const std::string& user,
                                    engine::Seq session = 0,
                                    engine::Cause cause = engine::Cause::None);
[[nodiscard]] store::Proposal login(const std::string& user, const std::string& session);

/// One thing that one of six people does, or that happens to all, at `at`; `node` is the writer's.
void do_something(store::Writer& writer, std::uint64_t node, std::mt19937_64& rng,
                  engine::Micros at);

}  // namespace rollcall::test
