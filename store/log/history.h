// Folding a log: the state at a seq, and the facts beside it that the state does not hold.
//
// Why this file exists: the writer at its start, questions about the past and verification all
// read headers in order with the same checks (no gap in seq, no decrease of time).
#pragma once

#include "engine/reducer.h"
#include "store/log/event_log.h"
#include "store/log/shown.h"

#include <map>
#include <optional>
#include <set>

namespace rollcall::store::inline log {

/// Facts from user 0's events that the reducer does not need.
struct Ledger {
  std::map<std::uint64_t, Seq> actions;             ///< id → seq of its ActionNamed
  std::map<std::uint64_t, Seq> channels;            ///< id → seq of its ChannelNamed
  std::map<engine::UserNumber, Seq> holds;          ///< held user → seq of its HoldSet
  std::map<engine::UserNumber, Seq> erase_pending;  ///< EraseRequested without its UserErased
  std::map<engine::UserNumber, Seq> erased;         ///< user → seq of its UserErased
  std::map<std::uint8_t, std::uint64_t>
      retention;  ///< kind → seconds its bodies are kept (a RetentionApplied of form Rule)
  std::set<std::pair<std::uint64_t, std::uint64_t>>
      imports;  ///< first 16 bytes of each file's SHA-256
  void note(const Header& header);
};

/// A time without observation: no server ran, the machine slept, or its clock was set forward.
/// Answers about it repeat the state before it.
struct Gap {
  Seq seq = 0;  ///< of the event that states it: a NodeDown, or a ClockStep
  engine::Micros from = 0, to = 0;
};
[[nodiscard]] std::optional<Gap> gap_told_by(const Header& header);

class Fold {
 public:
  engine::State state;
  Ledger ledger;
  ShownOfHiders shown;

  /// If set, called with each header before it is applied.
  std::function<void(const Header&)> before;

  /// Applies the log's headers up to and including `to`; calls `visit` with each and its changes.
  using Visitor = std::function<void(const Header&, ByteView leaf, engine::Outcome,
                                     std::span<const engine::Transition>)>;
  Result<void> advance(const EventLog& log, Seq to, const Visitor& visit = nullptr);

  /// The same for who follows what events did; the effects are those that it wants.
  struct Step {
    const Header& header;
    engine::Outcome outcome;
    std::span<const engine::Transition> transitions;
    std::span<const engine::Effect> effects;
  };
  using Follower = std::function<void(const Step&)>;
  Result<void> follow(const EventLog& log, Seq to, engine::Effects wanted, const Follower& visit);

 private:
  /// One header, the effects that somebody wants in `effects`; what is wrong with it, if anything.
  std::optional<Error> step(const Header& header, std::vector<engine::Transition>& transitions,
                            engine::Effects& effects, engine::Outcome& outcome);
};

}  // namespace rollcall::store::inline log
