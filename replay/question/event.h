// show, proof: one event, and what proves it.
#pragma once

#include "replay/event_view.h"
#include "replay/question/question.h"

namespace rollcall::replay::inline question {

/// One row, the event.
struct EventQuestion {
  std::uint64_t seq = 0;
  std::optional<bool> proof;
  static constexpr Asks kAsks{"show", true};
  using Row = EventView;
  struct Summary {
    std::string leaf;                    ///< its hash, base64
    std::optional<std::string> receipt;  ///< C2SP tlog-proof, if proof is asked for
    std::optional<json::object> proof;   ///< replay/event_proof.h
  };
};
BOOST_DESCRIBE_STRUCT(EventQuestion, (), (seq, proof))
BOOST_DESCRIBE_STRUCT(EventQuestion::Summary, (), (leaf, receipt, proof))

[[nodiscard]] Result<void> check(const EventQuestion& q);
[[nodiscard]] Result<EventQuestion::Summary> answer(const Desk& desk, const EventQuestion& q,
                                                    const RowSink<EventView>& row);

/// A receipt that the event is in the signed log; it holds numbers alone.
struct ProofQuestion {
  std::uint64_t seq = 0;
  static constexpr Asks kAsks{"proof", false};
  using Row = NoRow;
  struct Summary {
    std::string receipt;  ///< C2SP tlog-proof
  };
};
BOOST_DESCRIBE_STRUCT(ProofQuestion, (), (seq))
BOOST_DESCRIBE_STRUCT(ProofQuestion::Summary, (), (receipt))

[[nodiscard]] Result<void> check(const ProofQuestion& q);
[[nodiscard]] Result<ProofQuestion::Summary> answer(const Desk& desk, const ProofQuestion& q,
                                                    const RowSink<NoRow>& row);

}  // namespace rollcall::replay::inline question
