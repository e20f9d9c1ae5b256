// Folding a log: the state at a seq, and the facts about people and policy that lie beside it.
//
// Why this file exists: the writer at its start, as-of questions and verification all walk headers
// in order under the same checks (no gap, no time running back).
#pragma once

#include "engine/reducer.h"
#include "store/log.h"
#include "store/shown.h"

#include <map>
#include <optional>
#include <set>

namespace rollcall::store {

/// What user 0's events say that the reducer has no use for.
struct Ledger {
  std::map<std::uint64_t, Seq> actions;             ///< id → seq of its ActionNamed
  std::map<std::uint64_t, Seq> channels;            ///< id → seq of its ChannelNamed
  std::map<engine::UserNumber, Seq> holds;          ///< held user → seq of its HoldSet
  std::map<engine::UserNumber, Seq> erase_pending;  ///< EraseRequested without its UserErased
  std::map<engine::UserNumber, Seq> erased;         ///< user → seq of its UserErased
  std::map<std::uint8_t, std::uint64_t>
      retention;  ///< kind → seconds its bodies are kept (RetentionApplied c=1)
  std::set<std::pair<std::uint64_t, std::uint64_t>>
      imports;  ///< first 16 bytes of each file's SHA-256
  void note(const Header& header);
};

/// A time in which nobody watched that would have seen anything: no server ran, the machine slept,
/// or its clock was set forward. What is told about it is how it was before.
struct Gap {
  Seq seq = 0;  ///< of the event that tells it: a NodeDown, or a ClockStep
  engine::Micros from = 0, to = 0;
};
[[nodiscard]] std::optional<Gap> gap_told_by(const Header& header);

class Fold {
 public:
  engine::State state;
  Ledger ledger;
  ShownOfHiders shown;

  /// Sees each header before it is applied, where set.
  std::function<void(const Header&)> before;

  /// Applies the log's headers up to and including `to`; `visit` sees each with what it changed.
  using Visitor = std::function<void(const Header&, ByteView leaf, engine::Outcome,
                                     std::span<const engine::Transition>)>;
  Result<void> advance(const Log& log, Seq to, const Visitor& visit = nullptr);
};

}  // namespace rollcall::store
